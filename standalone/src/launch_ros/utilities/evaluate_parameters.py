"""Normalised parameters, evaluated in a launch context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from launch import LaunchContext, Substitution
from launch.utilities import perform_substitutions

from ..parameter_descriptions import ParameterFile, ParameterValue

_HINT = (
    "If the parameter is meant to be a string, try wrapping it in "
    "launch_ros.parameter_descriptions.ParameterValue(value, value_type=str)"
)


def _check_uniform(items: Sequence[Any], name: str) -> tuple[Any, ...]:
    kinds = {type(item) for item in items}
    if len(kinds) != 1 or not kinds <= {bool, int, float, str}:
        raise TypeError(
            "Expected a non-empty sequence, with items of uniform type. Allowed sequence item "
            f'types are bool, int, float, str. Got inconsistent input for "{name}"'
        )
    return tuple(items)


def _from_text(text: str, name: str) -> Any:
    import yaml

    try:
        value = yaml.safe_load(text or "''")
    except yaml.YAMLError as error:
        raise TypeError(
            f"Unable to parse the value of parameter {name} as yaml. {_HINT}"
        ) from error
    if isinstance(value, (bool, int, float, str, bytes)):
        return value
    if isinstance(value, Sequence):
        return _check_uniform(value, name)
    raise TypeError(
        "Allowed value types are bytes, bool, int, float, str, Sequence[bool], Sequence[int], "
        f'Sequence[float], Sequence[str]. Got {type(value)} for "{name}". {_HINT}'
    )


def _evaluate(context: LaunchContext, name: str, value: Any) -> Any:
    import yaml

    if isinstance(value, ParameterValue):
        return value.evaluate(context)
    if not isinstance(value, tuple) or not value:
        return value
    if isinstance(value[0], Substitution):
        return _from_text(perform_substitutions(context, value), name)
    if isinstance(value[0], Sequence):
        texts = [perform_substitutions(context, item) for item in value]
        return _check_uniform([yaml.safe_load(text) for text in texts], name)
    return value


def evaluate_parameter_dict(
    context: LaunchContext, parameters: Mapping[tuple[Substitution, ...], Any]
) -> dict[str, Any]:
    """Return names and Python values; TypeError for a value that no ROS parameter can hold."""
    names = {perform_substitutions(context, name): value for name, value in parameters.items()}
    return {name: _evaluate(context, name, value) for name, value in names.items()}


def evaluate_parameters(context: LaunchContext, parameters: Sequence[Any]) -> tuple[Any, ...]:
    """Return a dict for each dict, a path for each file; Parameters stay as they are."""

    def evaluate(item: Any) -> Any:
        if isinstance(item, ParameterFile):
            return item.evaluate(context)
        return evaluate_parameter_dict(context, item) if isinstance(item, Mapping) else item

    return tuple(evaluate(item) for item in parameters)
