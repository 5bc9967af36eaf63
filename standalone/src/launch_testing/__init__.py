"""Tests of launched processes: the part of ROS 2's `launch_testing` that is carried here."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from vla_ros_standalone import left_out

from . import actions as actions
from . import asserts as asserts
from . import markers as markers
from . import util as util
from .handlers import ActiveIoHandler as ActiveIoHandler
from .handlers import ActiveProcInfoHandler as ActiveProcInfoHandler

__getattr__ = left_out(
    __name__,
    "IoHandler ProcInfoHandler ReadyAggregator ready_to_test_action_timeout tools",
)


def post_shutdown_test() -> Callable[[Any], Any]:
    """Mark a test class to be run when all processes have ended."""

    def decorate(test_class: Any) -> Any:
        if not isinstance(test_class, type):
            raise TypeError("postcondition_test should decorate test classes")
        test_class.__post_shutdown_test__ = True  # type: ignore[attr-defined]
        return test_class

    return decorate


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
