"""EqualsSubstitution and NotEqualsSubstitution."""

import math
from typing import Any

from ..launch_context import LaunchContext
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from ..utilities.type_utils import is_substitution

TRUE, FALSE = ("true", "1"), ("false", "0")


def _normalize(side: Any) -> list[Substitution]:
    if not is_substitution(side):
        side = "" if side is None else str(side).lower() if isinstance(side, bool) else str(side)
    return normalize_to_list_of_substitutions(side)


def _equal(left: str, right: str) -> bool:
    if left.lower() in TRUE + FALSE and right.lower() in TRUE + FALSE:
        return (left.lower() in TRUE) == (right.lower() in TRUE)
    try:
        return math.isclose(float(left), float(right))
    except ValueError:
        return left == right


class EqualsSubstitution(Substitution):
    """'true' where both sides are equal as booleans, as numbers or as text, else 'false'."""

    def __init__(self, left: Any, right: Any) -> None:
        self.left = _normalize(left)
        self.right = _normalize(right)

    def describe(self) -> str:
        return f"{type(self).__name__}({self.left} {self.right})"

    def perform(self, context: LaunchContext) -> str:
        left = perform_substitutions(context, self.left)
        return str(_equal(left, perform_substitutions(context, self.right))).lower()


class NotEqualsSubstitution(EqualsSubstitution):
    """The contrary of EqualsSubstitution."""

    def perform(self, context: LaunchContext) -> str:
        return "false" if super().perform(context) == "true" else "true"
