"""Parameters and namespaces as given, brought into one form and evaluated in a launch.

A normalised parameter dict maps a tuple of substitutions (nested names joined by dots) to a
ParameterValue, bytes, or what launch's typed substitutions are; text from substitutions is YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from launch import LaunchContext, Substitution
from launch.substitutions import TextSubstitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from launch.utilities.type_utils import normalize_typed_substitution, perform_typed_substitution

from .parameter_descriptions import ParameterFile, ParameterValue

SCALARS = (bool, int, float, str)
Name = tuple[Substitution, ...]
_HINT = (
    "If the parameter is meant to be a string, try wrapping it in "
    "launch_ros.parameter_descriptions.ParameterValue(value, value_type=str)"
)


def _normalize_value(value: Any) -> Any:
    if isinstance(value, (ParameterValue, bytes)):
        return value
    if isinstance(value, Mapping) or not isinstance(value, (*SCALARS, Substitution, Sequence)):
        raise TypeError(f"Unexpected type for parameter value {value!r}")
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = [
            item
            if isinstance(item, (*SCALARS, Substitution))
            else [*item, TextSubstitution(text="")]
            for item in value
        ]
    return normalize_typed_substitution(value, None)


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


def _evaluate(context: LaunchContext, name: str, value: Any) -> Any:
    if isinstance(value, ParameterValue):
        return value.evaluate(context)
    if isinstance(value, bytes):
        return value
    try:
        read = perform_typed_substitution(context, value, None)
    except ValueError as error:
        raise TypeError(
            f"Unable to read the value of parameter {name}: {error}. {_HINT}"
        ) from error
    return tuple(read) if isinstance(read, list) else read


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
