"""Conditions: whether an action is executed at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vla_ros_standalone import left_out

from .substitutions import (
    SomeSubstitutionsType,
    Substitution,
    normalize_to_list_of_substitutions,
    perform_substitutions,
)

if TYPE_CHECKING:
    from .launch_context import LaunchContext

__getattr__ = left_out(__name__, "LaunchConfigurationEquals LaunchConfigurationNotEquals")


class Condition:
    """Holds where `predicate(context)` does; without a predicate, never."""

    def __init__(self, *, predicate: Callable[[LaunchContext], bool] | None = None) -> None:
        self._predicate = predicate

    def evaluate(self, context: LaunchContext) -> bool:
        return self._predicate is not None and self._predicate(context)


class InvalidConditionExpressionError(ValueError):
    """A condition's text is neither of the true nor of the false expressions."""


def evaluate_condition_expression(
    context: LaunchContext, expression: Sequence[Substitution]
) -> bool:
    """Return the truth of an expression: 'true', '1', 'false' or '0' in any case of letters."""
    text = perform_substitutions(context, expression).strip().lower()
    if text not in ("true", "1", "false", "0"):
        raise InvalidConditionExpressionError(
            f"invalid condition expression, expected one of [true, 1, false, 0] but got "
            f"'{text}', expanded from '{' + '.join(str(sub) for sub in expression)}'"
        )
    return text in ("true", "1")


class IfCondition(Condition):
    """Holds where the expression is true."""

    def __init__(self, predicate_expression: SomeSubstitutionsType) -> None:
        super().__init__(predicate=self._is_true)
        self._expression = normalize_to_list_of_substitutions(predicate_expression)

    def _is_true(self, context: LaunchContext) -> bool:
        return evaluate_condition_expression(context, self._expression)


class UnlessCondition(IfCondition):
    """Holds where the expression is false."""

    def _is_true(self, context: LaunchContext) -> bool:
        return not super()._is_true(context)
