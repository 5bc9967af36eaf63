"""OnProcessStart, OnProcessExit, OnProcessIO and OnExecutionComplete."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..action import Action
from ..events import ExecutionComplete
from ..events.process import ProcessExited, ProcessIO, ProcessStarted
from .on_action_event_base import OnActionEventBase

if TYPE_CHECKING:
    from ..launch_context import LaunchContext
    from ..launch_description_entity import SomeEntitiesType

    OnIO = Callable[[ProcessIO], "SomeEntitiesType | None"]


def _process_action() -> type[Any]:
    from ..actions import ExecuteLocal

    return ExecuteLocal


class OnProcessStart(OnActionEventBase):
    """When a process has started."""

    def __init__(self, *, target_action: Any = None, on_start: Any, **kwargs: Any) -> None:
        super().__init__(
            action_matcher=target_action,
            on_event=on_start,
            target_event_cls=ProcessStarted,
            target_action_cls=_process_action(),
            **kwargs,
        )


class OnProcessExit(OnActionEventBase):
    """When a process has ended."""

    def __init__(self, *, target_action: Any = None, on_exit: Any, **kwargs: Any) -> None:
        super().__init__(
            action_matcher=target_action,
            on_event=on_exit,
            target_event_cls=ProcessExited,
            target_action_cls=_process_action(),
            **kwargs,
        )


class OnProcessIO(OnActionEventBase):
    """When a process has written something; each callable gets the event alone."""

    def __init__(
        self,
        *,
        target_action: Any = None,
        on_stdin: OnIO | None = None,
        on_stdout: OnIO | None = None,
        on_stderr: OnIO | None = None,
        **kwargs: Any,
    ) -> None:
        def handle(event: ProcessIO, _: LaunchContext) -> SomeEntitiesType | None:
            handler = on_stderr if event.from_stderr else on_stdin
            handler = on_stdout if event.from_stdout else handler
            return None if handler is None else handler(event)

        super().__init__(
            action_matcher=target_action,
            on_event=handle,
            target_event_cls=ProcessIO,
            target_action_cls=_process_action(),
            **kwargs,
        )


class OnExecutionComplete(OnActionEventBase):
    """When an action has been executed and nothing of it is going on."""

    def __init__(self, *, target_action: Any = None, on_completion: Any, **kwargs: Any) -> None:
        super().__init__(
            action_matcher=target_action,
            on_event=on_completion,
            target_event_cls=ExecutionComplete,
            target_action_cls=Action,
            **kwargs,
        )
