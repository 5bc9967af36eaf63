"""parametrize: one test run for each set of arguments of a test description."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any


def parametrize(argnames: str, argvalues: Iterable[Any]) -> Callable[[Any], Any]:
    """Run the tests once for each value, or tuple of values, of the comma-separated names."""
    names = [name.strip() for name in argnames.split(",") if name.strip()]
    values = [value if isinstance(value, tuple) else (value,) for value in argvalues]

    def decorate(function: Any) -> Any:
        @functools.wraps(function)
        def runs() -> Iterator[tuple[Any, dict[str, Any]]]:
            for value in values:
                arguments = dict(zip(names, value))
                bound = functools.partial(function, **arguments)
                functools.update_wrapper(bound, function)
                yield bound, arguments

        runs.__parametrized__ = True  # type: ignore[attr-defined]
        return runs

    return decorate
