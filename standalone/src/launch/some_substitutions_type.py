"""The type of what may be given where substitutions are expected."""

from collections.abc import Iterable

from .substitution import SomeSubstitutionsType, Substitution

SomeSubstitutionsType_types_tuple = (str, Substitution, Iterable)

__all__ = ["SomeSubstitutionsType", "SomeSubstitutionsType_types_tuple"]
