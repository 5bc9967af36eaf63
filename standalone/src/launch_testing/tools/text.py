"""Texts, regular expressions, and sequences of them, found in a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

_ANSI = re.compile(r"\x1B\[[0-?]*[ -/]*[@-~]")

Match = Callable[..., "tuple[int, int] | None"]


def remove_ansi_escape_sequences(text: str) -> str:
    """Return `text` without a terminal's colours and movements."""
    return _ANSI.sub("", text)


def build_text_match(expected_text: Any, *, strict: bool = False) -> Match:
    """Return a function that finds (start, end) of what is expected, or None.

    Args:
        expected_text: text, a compiled regular expression, or an iterable of these, to be found
            in that order.
        strict: nothing may be before or between them, and for text nothing behind it.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(expected_text, str):
        return _text_match(expected_text, strict)
    if isinstance(expected_text, re.Pattern):
        return _pattern_match(expected_text, strict)
    if isinstance(expected_text, Iterable):
        return _sequence_match([build_text_match(text) for text in expected_text], strict)
    raise ValueError("Unknown format for expected text")


def _text_match(expected: str, strict: bool) -> Match:
    def match(actual: str, start: int = 0) -> tuple[int, int] | None:
        actual = actual.replace("\r\n", "\n")
        if strict:
            found = start if actual[start:] == expected else -1
        else:
            found = actual.find(expected, start)
        return None if found < 0 else (found, found + len(expected))

    return match


def _pattern_match(expected: re.Pattern[str], strict: bool) -> Match:
    def match(actual: str, start: int = 0) -> tuple[int, int] | None:
        search = expected.match if strict else expected.search
        found = search(actual.replace("\r\n", "\n"), start)
        return None if found is None else found.span()

    return match


def _sequence_match(matches: list[Match], strict: bool) -> Match:
    def match(actual: str, start: int = 0) -> tuple[int, int] | None:
        first, end = None, start
        for part in matches:
            found = part(actual, end)
            if found is None or (strict and found[0] != end):
                return None
            first = found[0] if first is None else first
            end = found[1]
        return None if first is None else (first, end)

    return match
