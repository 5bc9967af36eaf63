"""Parameters and namespaces as given, brought into one form and evaluated in a launch.

A normalised parameter dict maps a tuple of substitutions (nested names joined by dots) to a
scalar, a tuple of scalars, a tuple of substitutions (one YAML text), a tuple of lists of
substitutions (YAML texts), or a ParameterValue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from launch import LaunchContext, Substitution
from launch.substitutions import TextSubstitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

from .parameter_descriptions import ParameterFile, ParameterValue

Name = tuple[Substitution, ...]
_HINT = (
    "If the parameter is meant to be a string, try wrapping it in "
    "launch_ros.parameter_descriptions.ParameterValue(value, value_type=str)"
)


def _normalize_array(value: Sequence[Any]) -> tuple[Any, ...]:
    scalars = (bool, int, float, str)
    kinds = {Substitution if isinstance(item, Substitution) else type(item) for item in value}
    if kinds in ({int}, {bool}):
        return tuple(value)
    if kinds in ({float}, {int, float}):
        return tuple(float(item) for item in value)
    if Substitution in kinds and kinds <= {str, Substitution}:
        return tuple(normalize_to_list_of_substitutions(value))  # one text, as everywhere
    return tuple(
        normalize_to_list_of_substitutions(
            str(yaml.dump(item)) if isinstance(item, scalars) else item
        )
        for item in value
    )


def _normalize_value(value: Any) -> Any:
    if isinstance(value, (ParameterValue, float, bool, int, bytes)):
        return value
    if isinstance(value, str):
        return tuple(normalize_to_list_of_substitutions(str(yaml.dump(value))))
    if isinstance(value, Substitution):
        return (value,)
    if isinstance(value, Sequence):
        return _normalize_array(value)
    raise TypeError(f"Unexpected type for parameter value {value!r}")


def normalize_parameter_dict(
    parameters: Mapping[Any, Any], *, _prefix: Name = ()
) -> dict[Name, Any]:
    """Return a nested dict of parameters as one flat, normalised one."""
    normalized: dict[Name, Any] = {}
    for key, value in parameters.items():
        name = tuple(normalize_to_list_of_substitutions(key))
        if _prefix:
            name = (*_prefix, TextSubstitution(text="."), *name)
        if isinstance(value, Mapping):
            normalized.update(normalize_parameter_dict(value, _prefix=name))
        else:
            normalized[name] = _normalize_value(value)
    return normalized


def normalize_parameters(parameters: Sequence[Any]) -> tuple[Any, ...]:
    """Return dicts normalised, and all else as ParameterFiles."""
    if isinstance(parameters, (str, Mapping)) or not isinstance(parameters, Sequence):
        raise TypeError(f"Expecting list of parameters, got {parameters}")

    def normalize(item: Any) -> Any:
        if isinstance(item, Mapping):
            return normalize_parameter_dict(item)
        return item if isinstance(item, ParameterFile) else ParameterFile(item)

    return tuple(normalize(item) for item in parameters)


def _check_uniform(items: Sequence[Any], name: str) -> tuple[Any, ...]:
    kinds = {type(item) for item in items}
    if len(kinds) != 1 or not kinds <= {bool, int, float, str}:
        raise TypeError(
            "Expected a non-empty sequence, with items of uniform type. Allowed sequence item "
            f'types are bool, int, float, str. Got inconsistent input for "{name}"'
        )
    return tuple(items)


def _evaluate(context: LaunchContext, name: str, value: Any) -> Any:
    if isinstance(value, ParameterValue):
        return value.evaluate(context)
    if not isinstance(value, tuple) or not value:
        return value
    if isinstance(value[0], list):
        texts = [perform_substitutions(context, item) for item in value]
        return _check_uniform([yaml.safe_load(text) for text in texts], name)
    if not isinstance(value[0], Substitution):
        return value
    try:
        read = yaml.safe_load(perform_substitutions(context, value) or "''")
    except yaml.YAMLError as error:
        raise TypeError(
            f"Unable to parse the value of parameter {name} as yaml. {_HINT}"
        ) from error
    if isinstance(read, list):
        return _check_uniform(read, name)
    if not isinstance(read, (bool, int, float, str, bytes)):
        raise TypeError(
            "Allowed value types are bytes, bool, int, float, str, and sequences of these. "
            f'Got {type(read)} for "{name}". {_HINT}'
        )
    return read


def evaluate_parameter_dict(
    context: LaunchContext, parameters: Mapping[Name, Any]
) -> dict[str, Any]:
    """Return names and Python values; TypeError for a value that no ROS parameter can hold."""
    names = {perform_substitutions(context, name): value for name, value in parameters.items()}
    return {name: _evaluate(context, name, value) for name, value in names.items()}


def evaluate_parameters(context: LaunchContext, parameters: Sequence[Any]) -> tuple[Any, ...]:
    """Return a dict for each dict, a path for each file."""
    return tuple(
        item.evaluate(context)
        if isinstance(item, ParameterFile)
        else evaluate_parameter_dict(context, item)
        for item in parameters
    )


def prefix_namespace(base_ns: str | None, ns: str | None) -> str | None:
    """Return `ns` below `base_ns`; an absolute `ns` stands alone."""
    if base_ns is None and ns is None:
        return None
    if ns is None:
        combined = base_ns or ""
    elif not base_ns or ns.startswith("/"):
        combined = ns
    else:
        combined = ("" if base_ns == "/" else base_ns) + "/" + ns
    return combined if combined == "/" else combined.rstrip("/")


def make_namespace_absolute(ns: str | None) -> str | None:
    """Return `ns` with a leading slash."""
    return ns if ns is None or ns.startswith("/") else "/" + ns
