"""LaunchConfigurationEquals and LaunchConfigurationNotEquals, deprecated in Jazzy."""

import warnings

from ..condition import Condition
from ..launch_context import LaunchContext
from ..substitution import SomeSubstitutionsType
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions


class LaunchConfigurationEquals(Condition):
    """Holds where a launch configuration has the value; None means that it does not exist."""

    def __init__(
        self, launch_configuration_name: str, expected_value: SomeSubstitutionsType | None
    ) -> None:
        warnings.warn(
            "The 'LaunchConfigurationEquals' and 'LaunchConfigurationNotEquals' Conditions are "
            "deprecated. Use the 'EqualsSubstitution' and 'NotEqualsSubstitution' instead.",
            UserWarning,
            stacklevel=2,
        )
        self._name = launch_configuration_name
        self._expected = (
            None if expected_value is None else normalize_to_list_of_substitutions(expected_value)
        )
        super().__init__(predicate=self._predicate_func)

    def _predicate_func(self, context: LaunchContext) -> bool:
        expected = self._expected and perform_substitutions(context, self._expected)
        return bool(context.launch_configurations.get(self._name) == expected)


class LaunchConfigurationNotEquals(LaunchConfigurationEquals):
    """The contrary of LaunchConfigurationEquals."""

    def _predicate_func(self, context: LaunchContext) -> bool:
        return not super()._predicate_func(context)
