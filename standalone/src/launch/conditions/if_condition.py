"""IfCondition and UnlessCondition."""

from collections.abc import Sequence

from ..condition import Condition
from ..launch_context import LaunchContext
from ..substitution import SomeSubstitutionsType, Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions

VALID_TRUE_EXPRESSIONS = ["true", "1"]
VALID_FALSE_EXPRESSIONS = ["false", "0"]


class InvalidConditionExpressionError(ValueError):
    """A condition's text is neither of the true nor of the false expressions."""

    def __init__(
        self, expression: str, unexpanded_expression: Sequence[Substitution], valid: Sequence[str]
    ) -> None:
        super().__init__(
            f"invalid condition expression, expected one of [{', '.join(valid)}] but got "
            f"'{expression}', expanded from '{' + '.join(str(s) for s in unexpanded_expression)}'"
        )


def evaluate_condition_expression(
    context: LaunchContext, expression: Sequence[Substitution]
) -> bool:
    """Return the truth of an expression: 'true', '1', 'false' or '0' in any case of letters."""
    text = perform_substitutions(context, expression).strip().lower()
    if text in VALID_TRUE_EXPRESSIONS:
        return True
    if text in VALID_FALSE_EXPRESSIONS:
        return False
    valid = VALID_TRUE_EXPRESSIONS + VALID_FALSE_EXPRESSIONS
    raise InvalidConditionExpressionError(text, expression, valid)


class IfCondition(Condition):
    """Holds where the expression is true."""

    def __init__(self, predicate_expression: SomeSubstitutionsType) -> None:
        self._expression = normalize_to_list_of_substitutions(predicate_expression)
        super().__init__(predicate=self._predicate_func)

    def _predicate_func(self, context: LaunchContext) -> bool:
        return evaluate_condition_expression(context, self._expression)


class UnlessCondition(IfCondition):
    """Holds where the expression is false."""

    def _predicate_func(self, context: LaunchContext) -> bool:
        return not super()._predicate_func(context)
