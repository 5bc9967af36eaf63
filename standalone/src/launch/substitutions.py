"""Substitutions: text that is known only when the launch runs."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Union

from vla_ros_standalone import left_out

if TYPE_CHECKING:
    from .launch_context import LaunchContext

__getattr__ = left_out(
    __name__,
    "AllSubstitution AndSubstitution AnonName AnySubstitution Command FileContent FindExecutable "
    "IfElseSubstitution LaunchLogDir LocalSubstitution NotSubstitution OrSubstitution",
)


class SubstitutionFailure(RuntimeError):
    """A substitution cannot be performed in this context."""


class Substitution:
    """Base of all substitutions; `perform` gives the text, `describe` a line for people."""

    def perform(self, context: LaunchContext) -> str:
        raise NotImplementedError(f"{type(self).__name__}.perform")

    def describe(self) -> str:
        return repr(self)


SomeSubstitutionsType = Union[str, Substitution, Iterable[Union[str, Substitution]]]


def normalize_to_list_of_substitutions(subs: SomeSubstitutionsType) -> list[Substitution]:
    """Return `subs` as a list of substitutions; TypeError for anything but text and those."""

    def normalize(item: object) -> Substitution:
        if isinstance(item, Substitution):
            return item
        if isinstance(item, str):
            return TextSubstitution(text=item)
        raise TypeError(
            f"Failed to normalize given item of type '{type(item)}', "
            "when only 'str' or 'launch.Substitution' were expected."
        )

    return [normalize(sub) for sub in ([subs] if isinstance(subs, (str, Substitution)) else subs)]


def perform_substitutions(context: LaunchContext, subs: Iterable[Substitution]) -> str:
    """Return the text of all of them, joined with nothing between."""
    return "".join(context.perform_substitution(sub) for sub in subs)


def text_of(context: LaunchContext, subs: SomeSubstitutionsType) -> str:
    """Return the text of what may be given where substitutions are expected."""
    return perform_substitutions(context, normalize_to_list_of_substitutions(subs))


def describe(subs: SomeSubstitutionsType) -> str:
    """Return the descriptions of all of them, joined."""
    return " + ".join(sub.describe() for sub in normalize_to_list_of_substitutions(subs))


class TextSubstitution(Substitution):
    """Plain text."""

    def __init__(self, *, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"TextSubstitution expected Text object got '{type(text)}' instead.")
        self.text = text

    def describe(self) -> str:
        return f"'{self.text}'"

    def perform(self, context: LaunchContext) -> str:
        return self.text


class LaunchConfiguration(Substitution):
    """The value of a launch configuration, else the default, else SubstitutionFailure."""

    def __init__(self, variable_name: SomeSubstitutionsType, *, default: Any = None) -> None:
        self.variable_name = normalize_to_list_of_substitutions(variable_name)
        self._default: list[Substitution] | None = None
        if default is not None:
            items = default if isinstance(default, Iterable) else (default,)
            self._default = normalize_to_list_of_substitutions(
                [item if isinstance(item, (str, Substitution)) else str(item) for item in items]
            )

    def describe(self) -> str:
        return f"LaunchConfig({describe(self.variable_name)})"

    def perform(self, context: LaunchContext) -> str:
        name = perform_substitutions(context, self.variable_name)
        if name in context.launch_configurations:
            return context.launch_configurations[name]  # type: ignore[no-any-return]
        if self._default is None:
            raise SubstitutionFailure(f"launch configuration '{name}' does not exist")
        return perform_substitutions(context, self._default)


class EnvironmentVariable(Substitution):
    """An environment variable's value, else the default, else SubstitutionFailure."""

    def __init__(
        self, name: SomeSubstitutionsType, *, default_value: SomeSubstitutionsType | None = None
    ) -> None:
        self.name = normalize_to_list_of_substitutions(name)
        self.default_value = default_value

    def describe(self) -> str:
        return f"EnvVar({describe(self.name)})"

    def perform(self, context: LaunchContext) -> str:
        name = perform_substitutions(context, self.name)
        if name in context.environment:
            return context.environment[name]
        if self.default_value is None:
            raise SubstitutionFailure(f"environment variable '{name}' does not exist")
        return text_of(context, self.default_value)


class PathJoinSubstitution(Substitution):
    """The parts, each performed, joined as a path."""

    def __init__(self, substitutions: SomeSubstitutionsType) -> None:
        self.substitutions = normalize_to_list_of_substitutions(substitutions)

    def describe(self) -> str:
        return f"PathJoin('{describe(self.substitutions)}')"

    def perform(self, context: LaunchContext) -> str:
        return os.path.join(*[sub.perform(context) for sub in self.substitutions])


class PythonExpression(Substitution):
    """The text of a Python expression's value; names of `math` need no prefix."""

    def __init__(
        self, expression: SomeSubstitutionsType, python_modules: SomeSubstitutionsType = ("math",)
    ) -> None:
        self.expression = normalize_to_list_of_substitutions(expression)
        self.python_modules = normalize_to_list_of_substitutions(python_modules)

    def describe(self) -> str:
        modules = ", ".join(sub.describe() for sub in self.python_modules)
        return f"PythonExpr({describe(self.expression)}, [{modules}])"

    def perform(self, context: LaunchContext) -> str:
        names: dict[str, Any] = {}
        for sub in self.python_modules:
            module = importlib.import_module(sub.perform(context))
            if module is math:
                names.update(vars(module))
            names[module.__name__] = module
        return str(eval(perform_substitutions(context, self.expression), {}, names))


class ThisLaunchFile(Substitution):
    """The absolute path of the launch file in which it stands."""

    _local = "current_launch_file_path"

    def describe(self) -> str:
        return f"{type(self).__name__}()"

    def perform(self, context: LaunchContext) -> str:
        values = context.get_locals_as_dict()
        if self._local not in values:
            raise SubstitutionFailure(
                f"{type(self).__name__} used outside of a launch file (in a script)"
            )
        return str(values[self._local])


class ThisLaunchFileDir(ThisLaunchFile):
    """The directory of the launch file in which it stands."""

    _local = "current_launch_file_directory"


class EqualsSubstitution(Substitution):
    """'true' where both sides are equal as booleans, as numbers or as text, else 'false'."""

    _when_equal = "true"

    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = _normalize_side(left), _normalize_side(right)

    def describe(self) -> str:
        return f"{type(self).__name__}({self.left} {self.right})"

    def perform(self, context: LaunchContext) -> str:
        left = perform_substitutions(context, self.left)
        equal = _equal(left, perform_substitutions(context, self.right))
        return "true" if equal == (self._when_equal == "true") else "false"


class NotEqualsSubstitution(EqualsSubstitution):
    """The contrary of EqualsSubstitution."""

    _when_equal = "false"


_TRUE, _FALSE = ("true", "1"), ("false", "0")


def _normalize_side(side: Any) -> list[Substitution]:
    if side is None or isinstance(side, (bool, int, float)):
        side = "" if side is None else str(side).lower() if isinstance(side, bool) else str(side)
    return normalize_to_list_of_substitutions(side)


def _equal(left: str, right: str) -> bool:
    if left.lower() in _TRUE + _FALSE and right.lower() in _TRUE + _FALSE:
        return (left.lower() in _TRUE) == (right.lower() in _TRUE)
    try:
        return math.isclose(float(left), float(right))
    except ValueError:
        return left == right
