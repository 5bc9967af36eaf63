"""Parameters: one frozen dataclass a node, declared from it with descriptions and ranges."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

from vla_ros.core.errors import ParameterError

Params = TypeVar("Params")

# rclpy declares these itself.
_STANDARD = ("use_sim_time", "start_type_description_service", "qos_overrides")


def param(
    default: Any,
    description: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] = (),
) -> Any:
    """Return a dataclass field that is a ROS parameter.

    Args:
        default: also fixes the type: bool, int, float, str or a tuple of str or of so many float.
        description: what it does, with its unit; shown by `ros2 param describe`.
        low: the smallest allowed number (of each element of a tuple), included.
        high: the largest.
        choices: the allowed texts.
    """
    metadata = {"description": description, "low": low, "high": high, "choices": tuple(choices)}
    return dataclasses.field(default=default, metadata=metadata)


def declare(node: Node, params: type[Params]) -> Params:
    """Declare every field of `params` on `node` and return the values it was started with.

    Raises:
        ParameterError: a parameter is unknown, has the wrong type or is out of range.
    """
    fields = {field.name: field for field in dataclasses.fields(params)}  # type: ignore[arg-type]
    overrides: dict[str, Parameter] = node._parameter_overrides
    for name in overrides:
        if name not in fields and name.split(".")[0] not in _STANDARD:
            raise ParameterError(
                f"{node.get_name()} has no parameter {name!r}; it has: {', '.join(sorted(fields))}"
            )
    values = {}
    for name, field in fields.items():
        given = overrides[name].value if name in overrides else field.default
        value = checked(name, given, field)
        declared = list(value) if isinstance(value, tuple) else value
        node.declare_parameter(name, declared, _descriptor(field), ignore_override=True)
        values[name] = value
    return params(**values)


def checked(name: str, value: Any, field: "dataclasses.Field[Any]") -> Any:
    """Return `value` in the type of the field's default, or raise ParameterError."""
    default, meta = field.default, field.metadata
    if isinstance(default, tuple):
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ParameterError(f"{name} is {value!r}; a list like {list(default)} is allowed")
        element = type(default[0]) if default else str
        if element is float and len(value) != len(default):
            raise ParameterError(f"{name} has {len(value)} numbers; {len(default)} are allowed")
        return tuple(_scalar(name, item, element, meta) for item in value)
    return _scalar(name, value, type(default), meta)


def _scalar(name: str, value: Any, kind: type[Any], meta: Any) -> Any:
    if kind is float and type(value) is int:
        value = float(value)  # YAML reads "1" as an integer
    if type(value) is not kind:
        raise ParameterError(
            f"{name} is {value!r} ({type(value).__name__}); a {kind.__name__} is allowed"
        )
    if meta["choices"] and value not in meta["choices"]:
        raise ParameterError(f"{name} is {value!r}; allowed: {', '.join(meta['choices'])}")
    if kind in (int, float):
        low, high = meta["low"], meta["high"]
        if not math.isfinite(value):
            raise ParameterError(f"{name} is {value}; a finite number is allowed")
        if (low is not None and value < low) or (high is not None and value > high):
            raise ParameterError(f"{name} is {value}; allowed: {_range_text(low, high)}")
    return value


def _range_text(low: float | None, high: float | None) -> str:
    if high is None:
        return f"at least {low}"
    return f"at most {high}" if low is None else f"{low} to {high}"


def _descriptor(field: "dataclasses.Field[Any]") -> ParameterDescriptor:
    meta, default = field.metadata, field.default
    descriptor = ParameterDescriptor(description=meta["description"], read_only=True)
    if meta["choices"]:
        descriptor.additional_constraints = "one of: " + ", ".join(meta["choices"])
    low, high = meta["low"], meta["high"]
    if low is None and high is None:
        return descriptor
    if isinstance(default, float):
        largest = 1e308
        descriptor.floating_point_range = [
            FloatingPointRange(
                from_value=float(-largest if low is None else low),
                to_value=float(largest if high is None else high),
            )
        ]
    elif isinstance(default, int):
        largest = 2**63 - 1
        descriptor.integer_range = [
            IntegerRange(
                from_value=int(-largest if low is None else low),
                to_value=int(largest if high is None else high),
            )
        ]
    else:
        descriptor.additional_constraints = f"each {_range_text(low, high)}"
    return descriptor
