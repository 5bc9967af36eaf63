"""Substitution: text that is known only when the launch runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class Substitution:
    """Base of all substitutions."""

    def perform(self, context: LaunchContext) -> str:
        """Return the text that stands for this substitution in `context`."""
        raise NotImplementedError(f"{type(self).__name__}.perform")

    def describe(self) -> str:
        """Return one line for people."""
        return repr(self)


SomeSubstitutionsType = Union[str, Substitution, Iterable[Union[str, Substitution]]]


def describe(subs: Iterable[Any]) -> str:
    """Return the descriptions of a normalised list of substitutions, joined."""
    return " + ".join(sub.describe() for sub in subs)
