"""Event handlers: which events, and the entities to visit when one comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from vla_ros_standalone import left_out

from .events import Event, Shutdown
from .events.process import ProcessExited, ProcessIO, ProcessStarted
from .launch_description import LaunchDescriptionEntity, SomeEntitiesType

if TYPE_CHECKING:
    from .launch_context import LaunchContext

    OnIO = Callable[[ProcessIO], "SomeEntitiesType | None"]

__getattr__ = left_out(__name__, "OnExecutionComplete OnIncludeLaunchDescription event_named")


class EventHandler:
    """Visits entities, or what a callable of (event, context) returns, for events that match.

    `handle_once` unregisters it at the first. `context.locals.event` is the event meanwhile.
    """

    matcher_description = "None"

    def __init__(
        self,
        *,
        matcher: Callable[[Event], bool],
        entities: Any = None,
        handle_once: bool = False,
    ) -> None:
        self.matches = matcher
        self.handle_once = handle_once
        self._call = entities if callable(entities) else None
        self.entities: list[LaunchDescriptionEntity] = []
        if entities is not None and not callable(entities):
            self.entities = list(entities) if isinstance(entities, Iterable) else [entities]
        for entity in self.entities:
            if not isinstance(entity, LaunchDescriptionEntity):
                raise TypeError(
                    f"expected all items to be of type 'LaunchDescriptionEntity' but got '{entity}'"
                )
        self.handler_description = "<actions>" if self.entities else str(entities)

    def describe(self) -> tuple[str, list[LaunchDescriptionEntity]]:
        """Return a line for people, and the entities that are known before the event."""
        text = (
            f"{type(self).__name__}(matcher='{self.matcher_description}', "
            f"handler='{self.handler_description}', handle_once={self.handle_once})"
        )
        return text, self.entities

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Return what to visit."""
        context.extend_locals({"event": event})
        if self.handle_once:
            context.unregister_event_handler(self)
        return self.entities if self._call is None else self._call(event, context)


class OnShutdown(EventHandler):
    """When the launch shuts down; entities, or a callable of (event, context)."""

    matcher_description = "event issubclass of launch.events.Shutdown"

    def __init__(self, *, on_shutdown: Any, **kwargs: Any) -> None:
        super().__init__(
            matcher=lambda event: isinstance(event, Shutdown), entities=on_shutdown, **kwargs
        )
        self.handler_description = str(on_shutdown)


class _OnProcess(EventHandler):
    """Of one action, of those that a callable accepts, or of all (None)."""

    event_class: type[Event]

    def __init__(self, target_action: Any, on_event: Any, **kwargs: Any) -> None:
        from .execute_process import ExecuteProcess

        is_target = isinstance(target_action, (ExecuteProcess, type(None)))
        if not is_target and not callable(target_action):
            raise TypeError("target_action must be an 'ExecuteProcess' instance or a callable")

        def matcher(event: Any) -> bool:
            if not isinstance(event, self.event_class):
                return False
            action = event.action  # type: ignore[attr-defined]
            if callable(target_action):
                return bool(target_action(action))
            return target_action is None or action is target_action

        super().__init__(matcher=matcher, entities=on_event, **kwargs)
        self.matcher_description = f"event == {self.event_class.__name__}"
        if target_action is not None:
            self.matcher_description += " and ExecuteLocal(event.action)"


class OnProcessStart(_OnProcess):
    """When a process has started."""

    event_class = ProcessStarted

    def __init__(self, *, target_action: Any = None, on_start: Any, **kwargs: Any) -> None:
        super().__init__(target_action, on_start, **kwargs)


class OnProcessExit(_OnProcess):
    """When a process has ended."""

    event_class = ProcessExited

    def __init__(self, *, target_action: Any = None, on_exit: Any, **kwargs: Any) -> None:
        super().__init__(target_action, on_exit, **kwargs)


class OnProcessIO(_OnProcess):
    """When a process has written something; each callable gets the event alone."""

    event_class = ProcessIO

    def __init__(
        self,
        *,
        target_action: Any = None,
        on_stdout: OnIO | None = None,
        on_stderr: OnIO | None = None,
        **kwargs: Any,
    ) -> None:
        def handle(event: ProcessIO, _: LaunchContext) -> SomeEntitiesType | None:
            handler = on_stdout if event.from_stdout else on_stderr
            return None if handler is None else handler(event)

        super().__init__(target_action, handle, **kwargs)
