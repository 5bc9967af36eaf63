"""Decorators for test classes and descriptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def post_shutdown_test() -> Callable[[Any], Any]:
    """Mark a test class to be run when all processes have ended."""

    def decorate(test_class: Any) -> Any:
        if not isinstance(test_class, type):
            raise TypeError("postcondition_test should decorate test classes")
        test_class.__post_shutdown_test__ = True  # type: ignore[attr-defined]
        return test_class

    return decorate


def ready_to_test_action_timeout(timeout: float) -> Callable[[Any], Any]:
    """Let a description take `timeout` seconds to its ReadyToTest, instead of 15."""

    def decorate(test_description: Any) -> Any:
        test_description.__ready_to_test_action_timeout__ = timeout
        return test_description

    return decorate
