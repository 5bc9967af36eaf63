"""LocalSubstitution."""

from ..launch_context import LaunchContext
from ..substitution import Substitution
from ..utilities import ensure_argument_type


class LocalSubstitution(Substitution):
    """The value of a Python expression that starts at `context.locals`."""

    def __init__(self, expression: str, description: str | None = None) -> None:
        ensure_argument_type(expression, str, "expression", "LocalSubstitution")
        self.expression = expression
        self.description = description

    def describe(self) -> str:
        return f"LocalVar('{self.expression if self.description is None else self.description}')"

    def perform(self, context: LaunchContext) -> str:
        value: str = eval("context.locals." + self.expression)
        return value
