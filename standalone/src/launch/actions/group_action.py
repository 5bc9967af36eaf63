"""GroupAction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..action import Action
from ..launch_context import LaunchContext
from ..launch_description_entity import LaunchDescriptionEntity
from ..substitution import SomeSubstitutionsType
from .scope import (
    PopEnvironment,
    PopLaunchConfigurations,
    PushEnvironment,
    PushLaunchConfigurations,
    ResetEnvironment,
    ResetLaunchConfigurations,
)
from .set_launch_configuration import SetLaunchConfiguration


class GroupAction(Action):
    """Executes actions together.

    Scoped, what they set in launch configurations and environment ends with the group. Not
    forwarding, the group sees no configurations but `launch_configurations`.
    """

    def __init__(
        self,
        actions: Iterable[LaunchDescriptionEntity],
        *,
        scoped: bool = True,
        forwarding: bool = True,
        launch_configurations: Mapping[SomeSubstitutionsType, SomeSubstitutionsType] | None = None,
        **left_over_kwargs: Any,
    ) -> None:
        super().__init__(**left_over_kwargs)
        configurations = launch_configurations or {}
        start: list[LaunchDescriptionEntity] = [
            SetLaunchConfiguration(name, value) for name, value in configurations.items()
        ]
        if scoped and not forwarding:
            start = [ResetEnvironment(), ResetLaunchConfigurations(configurations)]
        self._actions: list[LaunchDescriptionEntity] = [*start, *actions]
        if scoped:
            self._actions = [
                *(PushLaunchConfigurations(), PushEnvironment()),
                *self._actions,
                *(PopEnvironment(), PopLaunchConfigurations()),
            ]

    def get_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        return self._actions

    def execute(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity]:
        return self._actions
