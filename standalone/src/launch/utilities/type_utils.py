"""Values that are given as Python objects or as substitutions, and their types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args, get_origin

from ..launch_context import LaunchContext
from ..substitution import Substitution
from . import ensure_argument_type, normalize_to_list_of_substitutions, perform_substitutions

SCALARS = (int, float, bool, str)


def extract_type(data_type: Any) -> tuple[Any, bool]:
    """Return (scalar type, whether a list of it); ValueError for any other type."""
    is_list = get_origin(data_type) is list
    scalar = get_args(data_type)[0] if is_list else data_type
    if scalar not in SCALARS:
        raise ValueError(f"Unrecognized data type: {data_type}")
    return scalar, is_list


def is_instance_of(value: Any, data_type: Any = None) -> bool:
    """Tell whether `value` is of the type; None means any scalar or any uniform list."""
    if data_type is not None:
        scalar, is_list = extract_type(data_type)
        if not is_list:
            return isinstance(value, scalar)
        return isinstance(value, list) and all(isinstance(item, scalar) for item in value)
    if not isinstance(value, list):
        return isinstance(value, SCALARS)
    kinds = {type(item) for item in value}
    return len(kinds) <= 1 and kinds <= set(SCALARS)


def coerce_to_type(value: str, data_type: Any = None) -> Any:
    """Read text as the type, by YAML's rules where the type is None, bool or a list.

    Raises:
        ValueError: the text is not of that type.
    """
    ensure_argument_type(value, str, "value", "coerce_to_type")
    scalar, is_list = (None, False) if data_type is None else extract_type(data_type)
    if not is_list:
        if scalar in (str, int, float):
            return scalar(value)
        if scalar is bool:
            value = {"1": "true", "0": "false"}.get(value, value)
    output = _read_yaml(value)
    if not is_instance_of(output, data_type):
        raise ValueError(
            f"Cannot convert value '{value}' to '{data_type or 'an allowed type'}', "
            f"got '{type(output)}'"
        )
    return output


def _read_yaml(text: str) -> Any:
    import yaml

    if not text:
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"Failed to convert '{text}' using yaml rules: {error}") from error


def is_substitution(value: Any) -> bool:
    """Tell whether `value` is a substitution, or text and at least one substitution in a row."""
    if isinstance(value, Substitution):
        return True
    if isinstance(value, str) or not isinstance(value, Iterable):
        return False
    items = list(value)
    return all(isinstance(i, (Substitution, str)) for i in items) and any(
        isinstance(i, Substitution) for i in items
    )


def normalize_typed_substitution(value: Any, data_type: Any) -> Any:
    """Return a scalar as it is, substitutions as a list, lists item by item.

    Raises:
        TypeError: a Python value is not of `data_type`.
    """
    if isinstance(value, SCALARS):
        if not is_instance_of(value, data_type):
            raise TypeError(f"value='{value}' is not an instance of {data_type}")
        return value
    if is_substitution(value):
        return normalize_to_list_of_substitutions(value)
    if not isinstance(value, Iterable):
        raise TypeError(
            "value should be either a scalar, a substitutions, or a mixed list of scalars and "
            f"substitutions. Got `value={value}` of type `{type(value)}`. "
        )
    return _normalize_list(list(value), data_type)


def _normalize_list(value: list[Any], data_type: Any) -> list[Any]:
    scalar, is_list = (None, True) if data_type is None else extract_type(data_type)
    kinds = {type(item) for item in value if isinstance(item, SCALARS)}
    kind = float if kinds == {int, float} else next(iter(kinds), None)
    if not is_list or len(kinds - {int, float}) > 1 or (len(kinds) > 1 and kind is not float):
        raise TypeError(f"Got value='{value}', expected '{data_type}'")
    if kind is int and scalar is float:
        kind = float
    if scalar is not None and kind not in (None, scalar):
        raise TypeError(f"Got a list of '{kind}', expected a list of '{scalar}'. value='{value}'")
    out: list[Any] = []
    for item in value:
        if isinstance(item, SCALARS):
            out.append(float(item) if kind is float else item)
        elif is_substitution(item):
            out.append(normalize_to_list_of_substitutions(item))
        else:
            raise TypeError(
                "value is a list, and one of the items is not a scalar, a Substitution or a list "
                f"of substitutions. Got value='{value}'"
            )
    return out


def perform_typed_substitution(context: LaunchContext, value: Any, data_type: Any) -> Any:
    """Return the Python value of a normalised value, of `data_type` where that is not None."""
    if isinstance(value, SCALARS):
        if data_type is not None and not is_instance_of(value, data_type):
            raise TypeError(f"value=`{value}` is a scalar and not an instance of `{data_type}`")
        return value
    if value and all(isinstance(item, Substitution) for item in value):
        return coerce_to_type(perform_substitutions(context, value), data_type)
    scalar, is_list = (None, True) if data_type is None else extract_type(data_type)
    output = [
        coerce_to_type(perform_substitutions(context, x), scalar) if isinstance(x, list) else x
        for x in value
    ]
    if not is_list or not is_instance_of(output, data_type):
        raise ValueError(f"Got value='{value}', expected type {data_type or 'a uniform list'}")
    return output
