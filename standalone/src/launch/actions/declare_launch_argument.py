"""DeclareLaunchArgument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..action import Action
from ..launch_context import LaunchContext
from ..logging import get_logger
from ..substitution import SomeSubstitutionsType
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions


class DeclareLaunchArgument(Action):
    """Declares an argument, `name:=value`; it becomes a launch configuration of that name.

    Without a default value it must be given, and with choices its value must be one of them:
    a launch fails with a RuntimeError otherwise.
    """

    def __init__(
        self,
        name: str,
        *,
        default_value: SomeSubstitutionsType | None = None,
        description: str | None = None,
        choices: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if choices is not None and len(choices) == 0:
            _fail("Provided choices arg is empty. Use None to ignore the choice list.")
        if choices is not None and isinstance(default_value, str) and default_value not in choices:
            _fail(
                f'Provided default_value "{default_value}" is not in provided choices "{choices}".'
            )
        self.name = name
        self.choices = choices
        self.default_value = (
            None if default_value is None else normalize_to_list_of_substitutions(default_value)
        )
        self.description = _describe(description, choices)
        self._conditionally_included = False

    def execute(self, context: LaunchContext) -> None:
        configurations = context.launch_configurations
        if self.name not in configurations:
            if self.default_value is None:
                get_logger(__name__).error(
                    f'Required launch argument "{self.name}" (description: "{self.description}") '
                    "was not provided"
                )
                raise RuntimeError(f'Required launch argument "{self.name}" was not provided.')
            configurations[self.name] = perform_substitutions(context, self.default_value)
        if self.choices is not None and configurations[self.name] not in self.choices:
            _fail(
                f'Argument "{self.name}" provided value "{configurations[self.name]}" is not '
                f"valid. Valid options are: {self.choices}"
            )


def _describe(description: str | None, choices: Sequence[str] | None) -> str:
    if choices is None:
        return "no description given" if description is None else description
    if description is None:
        return f"One of: {choices}"
    end = "" if description.endswith(".") else "."
    return f"{description}{end} Valid choices are: {choices}"


def _fail(message: str) -> None:
    get_logger(__name__).error(message)
    raise RuntimeError(message)
