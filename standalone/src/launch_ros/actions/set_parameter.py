"""SetParameter."""

from __future__ import annotations

from typing import Any

from launch import Action, LaunchContext, SomeSubstitutionsType
from launch.utilities import normalize_to_list_of_substitutions

from ..utilities import evaluate_parameter_dict, normalize_parameter_dict


class SetParameter(Action):
    """Sets a parameter of all nodes behind it, to the end of the group; a node's own wins."""

    def __init__(self, name: SomeSubstitutionsType, value: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        normalized = normalize_to_list_of_substitutions(name)
        self._parameters = normalize_parameter_dict({tuple(normalized): value})
        ((self.name, self.value),) = self._parameters.items()

    def execute(self, context: LaunchContext) -> None:
        evaluated = evaluate_parameter_dict(context, self._parameters)
        # A new list: the old one may be what a group around this restores at its end.
        known = context.launch_configurations.get("global_params", [])
        context.launch_configurations["global_params"] = [*known, *evaluated.items()]
