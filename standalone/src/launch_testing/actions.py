"""Actions for test descriptions."""

from __future__ import annotations

from collections.abc import Callable

from launch import Action, LaunchContext
from vla_ros_standalone import left_out

__getattr__ = left_out(__name__, "GTest PyTest Test")


class ReadyToTest(Action):
    """Starts the tests."""

    def __init__(self) -> None:
        super().__init__()
        self._callbacks: list[Callable[[], None]] = []

    def execute(self, context: LaunchContext) -> None:
        for callback in self._callbacks:
            callback()
