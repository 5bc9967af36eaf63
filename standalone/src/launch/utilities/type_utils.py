"""Values that are given as Python objects or as substitutions, and their types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, get_args, get_origin

from ..substitutions import (
    Substitution,
    normalize_to_list_of_substitutions,
    perform_substitutions,
)

if TYPE_CHECKING:
    from ..launch_context import LaunchContext

SCALARS = (int, float, bool, str)


def _extract_type(data_type: Any) -> tuple[Any, bool]:
    """Return (scalar type, whether a list of it), None for any; ValueError for what is no type."""
    if data_type is None:
        return None, True
    is_list = get_origin(data_type) is list
    scalar = get_args(data_type)[0] if is_list else data_type
    if scalar not in SCALARS:
        raise ValueError(f"Unrecognized data type: {data_type}")
    return scalar, is_list


def _is_instance_of(value: Any, data_type: Any) -> bool:
    """Tell whether `value` is of the type; None means any scalar or any uniform list."""
    scalar, is_list = _extract_type(data_type)
    if not isinstance(value, list):
        return isinstance(value, SCALARS if scalar is None else () if is_list else scalar)
    kinds = {type(item) for item in value}
    if scalar is None:
        return len(kinds) <= 1 and kinds <= set(SCALARS)
    return is_list and all(isinstance(item, scalar) for item in value)


def _coerce(text: str, data_type: Any) -> Any:
    """Read text as the type, by YAML's rules where that is None, bool or a list; or ValueError."""
    import yaml

    if data_type in (str, int, float):
        return data_type(text)
    if data_type is bool:
        text = {"1": "true", "0": "false"}.get(text, text)
    try:
        value = yaml.safe_load(text) if text else text
    except yaml.YAMLError as error:
        raise ValueError(f"Failed to convert '{text}' using yaml rules: {error}") from error
    if not _is_instance_of(value, data_type):
        wanted = data_type or "an allowed type"
        raise ValueError(f"Cannot convert value '{text}' to '{wanted}', got '{type(value)}'")
    return value


def _is_substitution(value: Any) -> bool:
    """Tell whether `value` is a substitution, or text and at least one substitution in a row."""
    items = [value] if isinstance(value, Substitution) else value
    if isinstance(items, str) or not isinstance(items, Iterable):
        return False
    items = list(items)
    return all(isinstance(i, (Substitution, str)) for i in items) and any(
        isinstance(i, Substitution) for i in items
    )


def normalize_typed_substitution(value: Any, data_type: Any) -> Any:
    """Return a scalar as it is, substitutions as a list, lists item by item.

    Raises:
        TypeError: a Python value is not of `data_type`.
    """
    if isinstance(value, SCALARS):
        if not _is_instance_of(value, data_type):
            raise TypeError(f"value='{value}' is not an instance of {data_type}")
        return value
    if _is_substitution(value):
        return normalize_to_list_of_substitutions(value)
    scalar, is_list = _extract_type(data_type)
    if not isinstance(value, Iterable) or not is_list:
        raise TypeError(f"Got value='{value}' of type '{type(value)}', expected '{data_type}'")
    items = list(value)
    kinds = {type(item) for item in items if not _is_substitution(item)}
    if kinds <= {int, float} and (len(kinds) > 1 or scalar is float):
        kinds = {float}
        items = [float(item) if isinstance(item, int) else item for item in items]
    if len(kinds) > 1 or not kinds <= ({*SCALARS} if scalar is None else {scalar}):
        raise TypeError(f"Got value='{value}', expected '{data_type or 'a uniform list'}'")
    return [
        item if isinstance(item, SCALARS) else normalize_to_list_of_substitutions(item)
        for item in items
    ]


def perform_typed_substitution(context: LaunchContext, value: Any, data_type: Any) -> Any:
    """Return the Python value of a normalised value; ValueError where text is of another type."""
    if isinstance(value, SCALARS):
        return value
    if value and all(isinstance(item, Substitution) for item in value):
        return _coerce(perform_substitutions(context, value), data_type)
    scalar, _ = _extract_type(data_type)
    output = [
        _coerce(perform_substitutions(context, x), scalar) if isinstance(x, list) else x
        for x in value
    ]
    if not _is_instance_of(output, data_type):
        raise ValueError(f"Got value='{value}', expected type {data_type or 'a uniform list'}")
    return output
