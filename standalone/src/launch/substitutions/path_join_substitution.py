"""PathJoinSubstitution."""

import os

from ..launch_context import LaunchContext
from ..substitution import SomeSubstitutionsType, Substitution, describe
from ..utilities import normalize_to_list_of_substitutions


class PathJoinSubstitution(Substitution):
    """The parts, each performed, joined as a path."""

    def __init__(self, substitutions: SomeSubstitutionsType) -> None:
        self.substitutions = normalize_to_list_of_substitutions(substitutions)

    def describe(self) -> str:
        return f"PathJoin('{describe(self.substitutions)}')"

    def perform(self, context: LaunchContext) -> str:
        return os.path.join(*[sub.perform(context) for sub in self.substitutions])
