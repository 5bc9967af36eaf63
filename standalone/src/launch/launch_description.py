"""LaunchDescription: what `generate_launch_description` returns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .launch_description_entity import LaunchDescriptionEntity

if TYPE_CHECKING:
    from .actions import DeclareLaunchArgument, IncludeLaunchDescription
    from .launch_context import LaunchContext

    Arguments = list[tuple[DeclareLaunchArgument, "list[IncludeLaunchDescription] | None"]]


class LaunchDescription(LaunchDescriptionEntity):
    """A list of entities, visited in order."""

    def __init__(
        self,
        initial_entities: Iterable[LaunchDescriptionEntity] | None = None,
        *,
        deprecated_reason: str | None = None,
    ) -> None:
        self.entities = list(initial_entities) if initial_entities is not None else []
        self.deprecated_reason = deprecated_reason

    @property
    def deprecated(self) -> bool:
        return self.deprecated_reason is not None

    def visit(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity] | None:
        if self.deprecated:
            from .logging import get_logger

            path = context.get_locals_as_dict().get("current_launch_file_path")
            who = (
                "deprecated launch description"
                if path is None
                else (f"launch file [{path}] is deprecated")
            )
            get_logger().warning(f"{who}: {self.deprecated_reason}")
        return self.entities

    def describe_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        return self.entities

    def add_entity(self, entity: LaunchDescriptionEntity) -> None:
        self.entities.append(entity)

    def add_action(self, action: LaunchDescriptionEntity) -> None:
        self.add_entity(action)

    def get_launch_arguments(
        self, conditional_inclusion: bool = False
    ) -> list[DeclareLaunchArgument]:
        """Return the arguments declared here and in what is included, first of a name only."""
        found = self.get_launch_arguments_with_include_launch_description_actions(
            conditional_inclusion
        )
        return [argument for argument, _ in found]

    def get_launch_arguments_with_include_launch_description_actions(
        self, conditional_inclusion: bool = False
    ) -> Arguments:
        """Return each declared argument with the inclusions that lead to it, None for none."""
        found: Arguments = []
        _collect(self.entities, conditional_inclusion, None, found)
        return found


def _collect(
    entities: Iterable[LaunchDescriptionEntity],
    conditional: bool,
    includes: list[IncludeLaunchDescription] | None,
    found: Arguments,
) -> None:
    from .actions import (
        DeclareLaunchArgument,
        IncludeLaunchDescription,
        ResetLaunchConfigurations,
    )

    for entity in entities:
        if isinstance(entity, DeclareLaunchArgument):
            if any(entity.name == known.name for known, _ in found):
                continue
            entity._conditionally_included = conditional or entity.condition is not None
            found.append((entity, includes))
        if isinstance(entity, ResetLaunchConfigurations):
            return  # what is declared behind it cannot be reached from outside
        below = includes
        if isinstance(entity, IncludeLaunchDescription):
            below = [*(includes or []), entity]
        _collect(entity.describe_sub_entities(), False, below, found)
        for _, sub_entities in entity.describe_conditional_sub_entities():
            _collect(sub_entities, True, below, found)
