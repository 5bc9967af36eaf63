"""OnShutdown and OnIncludeLaunchDescription."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..event import Event
from ..event_handler import BaseEventHandler
from ..events import IncludeLaunchDescription, Shutdown

if TYPE_CHECKING:
    from ..launch_context import LaunchContext
    from ..launch_description_entity import SomeEntitiesType


class OnShutdown(BaseEventHandler):
    """When the launch shuts down; entities, or a callable of (event, context)."""

    matcher_description = "event issubclass of launch.events.Shutdown"

    def __init__(self, *, on_shutdown: Any, **kwargs: Any) -> None:
        super().__init__(matcher=lambda event: isinstance(event, Shutdown), **kwargs)
        self._on_shutdown = on_shutdown
        self.handler_description = str(on_shutdown)

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        super().handle(event, context)
        if not callable(self._on_shutdown):
            return self._on_shutdown  # type: ignore[no-any-return]
        return self._on_shutdown(event, context)  # type: ignore[no-any-return]


class OnIncludeLaunchDescription(BaseEventHandler):
    """When a launch description is to be included: visits it."""

    matcher_description = "event issubclass of launch.events.IncludeLaunchDescription"
    handler_description = "returns the launch_description in the event"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            matcher=lambda event: isinstance(event, IncludeLaunchDescription), **kwargs
        )

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        super().handle(event, context)
        assert isinstance(event, IncludeLaunchDescription)
        return [event.launch_description]
