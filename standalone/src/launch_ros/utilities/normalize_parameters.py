"""Parameters and remappings as given, brought into one form.

A normalised parameter dict maps a tuple of substitutions (nested names joined by dots) to a
scalar, a tuple of scalars, a tuple of substitutions (one YAML text), a tuple of lists of
substitutions (YAML texts), or a ParameterValue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from launch import SomeSubstitutionsType, Substitution
from launch.substitutions import TextSubstitution
from launch.utilities import ensure_argument_type, normalize_to_list_of_substitutions

from ..parameter_descriptions import Parameter, ParameterFile, ParameterValue

Name = tuple[Substitution, ...]


def _dump(value: Any) -> str:
    import yaml

    return str(yaml.dump(value))


def _normalize_array(value: Sequence[Any]) -> tuple[Any, ...]:
    def kind(item: Any) -> type[Any]:
        ensure_argument_type(item, (float, int, str, bool, Substitution, Sequence), "subvalue")
        if isinstance(item, Substitution):
            return Substitution
        return type(item) if isinstance(item, (str, bool, int, float)) else tuple

    kinds = {kind(item) for item in value}
    if kinds in ({int}, {bool}):
        return tuple(value)
    if kinds in ({float}, {int, float}):
        return tuple(float(item) for item in value)
    if Substitution in kinds and kinds <= {str, Substitution}:
        return tuple(normalize_to_list_of_substitutions(value))  # one text, as everywhere
    return tuple(
        normalize_to_list_of_substitutions(
            _dump(item) if isinstance(item, (float, int, bool, str)) else item
        )
        for item in value
    )


def _normalize_value(value: Any) -> Any:
    if isinstance(value, (ParameterValue, float, bool, int, bytes)):
        return value
    if isinstance(value, str):
        return tuple(normalize_to_list_of_substitutions(_dump(value)))
    if isinstance(value, Substitution):
        return (value,)
    if isinstance(value, Sequence):
        return _normalize_array(value)
    raise TypeError(f"Unexpected type for parameter value {value!r}")


def normalize_parameter_dict(
    parameters: Mapping[Any, Any], *, _prefix: Name = ()
) -> dict[Name, Any]:
    """Return a nested dict of parameters as one flat, normalised one."""
    if not isinstance(parameters, Mapping):
        raise TypeError("expected dict")
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
    """Return dicts normalised, Parameters as they are, and all else as ParameterFiles."""
    if isinstance(parameters, str) or not isinstance(parameters, Sequence):
        raise TypeError(f"Expecting list of parameters, got {parameters}")

    def normalize(item: Any) -> Any:
        if isinstance(item, Mapping):
            return normalize_parameter_dict(item)
        return item if isinstance(item, (Parameter, ParameterFile)) else ParameterFile(item)

    return tuple(normalize(item) for item in parameters)


def normalize_remap_rule(
    remap_rule: tuple[SomeSubstitutionsType, SomeSubstitutionsType],
) -> tuple[Name, Name]:
    """Return (from, to), each as a tuple of substitutions."""
    ensure_argument_type(remap_rule, tuple, "remap_rule")
    if len(remap_rule) != 2:
        raise TypeError(f"remap_rule must be a tuple of length 2, got length {len(remap_rule)}")
    source, target = (tuple(normalize_to_list_of_substitutions(side)) for side in remap_rule)
    return source, target


def normalize_remap_rules(
    remap_rules: Iterable[tuple[SomeSubstitutionsType, SomeSubstitutionsType]],
) -> Iterator[tuple[Name, Name]]:
    """Normalise each rule."""
    yield from map(normalize_remap_rule, remap_rules)
