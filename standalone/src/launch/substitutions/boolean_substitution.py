"""NotSubstitution, AndSubstitution and OrSubstitution."""

from ..launch_context import LaunchContext
from ..substitution import SomeSubstitutionsType, Substitution
from ..utilities import normalize_to_list_of_substitutions
from ..utilities.type_utils import perform_typed_substitution
from .substitution_failure import SubstitutionFailure


def _truth(context: LaunchContext, subs: list[Substitution]) -> bool:
    try:
        return bool(perform_typed_substitution(context, subs, bool))
    except (TypeError, ValueError) as error:
        raise SubstitutionFailure(error) from error


class NotSubstitution(Substitution):
    """'true' or 'false', the contrary of a value that reads as a boolean."""

    def __init__(self, value: SomeSubstitutionsType) -> None:
        self.value = normalize_to_list_of_substitutions(value)

    def describe(self) -> str:
        return f"NotSubstitution({self.value})"

    def perform(self, context: LaunchContext) -> str:
        return str(not _truth(context, self.value)).lower()


class _Binary(Substitution):
    def __init__(self, left: SomeSubstitutionsType, right: SomeSubstitutionsType) -> None:
        self.left = normalize_to_list_of_substitutions(left)
        self.right = normalize_to_list_of_substitutions(right)

    def describe(self) -> str:
        return f"{type(self).__name__}({self.left} {self.right})"

    def combine(self, left: bool, right: bool) -> bool:
        raise NotImplementedError

    def perform(self, context: LaunchContext) -> str:
        # Both sides are always read: one that is no boolean is an error in either case.
        left, right = _truth(context, self.left), _truth(context, self.right)
        return str(self.combine(left, right)).lower()


class AndSubstitution(_Binary):
    """'true' where both sides are."""

    def combine(self, left: bool, right: bool) -> bool:
        return left and right


class OrSubstitution(_Binary):
    """'true' where one side is."""

    def combine(self, left: bool, right: bool) -> bool:
        return left or right
