"""What handlers wait for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vla_ros_standalone import left_out

if TYPE_CHECKING:
    from ..actions import TimerAction as TimerAction
    from ..launch_description import Action, LaunchDescription

__getattr__ = left_out(__name__, "ExecutionComplete")


class Event:
    """Something that happened; `name` says what, for people."""

    name = "launch.Event"

    def __init_subclass__(cls) -> None:
        if cls.__module__.startswith(__name__):
            cls.name = f"{cls.__module__}.{cls.__name__}"


class IncludeLaunchDescription(Event):
    """A launch description is to be visited."""

    def __init__(self, launch_description: LaunchDescription) -> None:
        self.launch_description = launch_description


class Shutdown(Event):
    """The launch is to end; everything that runs is to be shut down."""

    def __init__(self, *, reason: str = "reason not given", due_to_sigint: bool = False) -> None:
        self.reason = reason
        self.due_to_sigint = due_to_sigint


class TimerEvent(Event):
    """A timer's period is over."""

    def __init__(self, *, timer_action: TimerAction) -> None:
        self.timer_action = timer_action


def matches_action(target_action: Action) -> Callable[[Any], bool]:
    """Return a matcher that is true for this very action."""
    return lambda action: action is target_action


from . import process as process  # noqa: E402  (its events are built on the names above)
