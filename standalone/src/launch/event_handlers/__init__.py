"""Event handlers for the events that launch emits by itself."""

from .on_action_event_base import OnActionEventBase
from .on_process import OnExecutionComplete, OnProcessExit, OnProcessIO, OnProcessStart
from .on_shutdown import OnIncludeLaunchDescription, OnShutdown

__all__ = [
    "OnActionEventBase",
    "OnExecutionComplete",
    "OnIncludeLaunchDescription",
    "OnProcessExit",
    "OnProcessIO",
    "OnProcessStart",
    "OnShutdown",
]
