"""LaunchContext: everything that holds during one launch."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from .event_handlers import EventHandler
    from .events import Event
    from .substitutions import Substitution


class _Locals:
    """Locals and globals as read-only attributes."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__["_values"] = values

    def __getattr__(self, key: str) -> Any:
        values = self.__dict__["_values"]
        if key not in values:
            raise AttributeError(
                f"context.locals does not contain attribute '{key}', "
                f"it contains: [{', '.join(values)}]"
            )
        return values[key]

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError(f"can't set attribute '{key}', locals are read-only")


class LaunchContext:
    """Launch configurations, environment (this process's own), locals, event handlers, events."""

    def __init__(self, *, argv: Any = None, noninteractive: bool = False) -> None:
        self.argv = argv if argv is not None else []
        self.noninteractive = noninteractive
        self.is_shutdown = False
        self.asyncio_loop: asyncio.AbstractEventLoop | None = None
        self.launch_configurations: dict[str, Any] = {}
        self._event_queue: deque[Event] = deque()
        self._event_handlers: deque[EventHandler] = deque()
        self._wake_up: Callable[[], None] = lambda: None
        self._globals: dict[str, Any] = {}
        self._locals: dict[str, Any] = {}
        self._first_environment = dict(os.environ)

    @property
    def environment(self) -> MutableMapping[str, str]:
        return os.environ

    @property
    def locals(self) -> Any:
        return _Locals(self.get_locals_as_dict())

    def get_locals_as_dict(self) -> dict[str, Any]:
        return {**self._globals, **self._locals}

    def extend_globals(self, extensions: Mapping[str, Any]) -> None:
        self._globals.update(extensions)

    def extend_locals(self, extensions: Mapping[str, Any]) -> None:
        self._locals.update(extensions)

    def register_event_handler(self, event_handler: EventHandler, append: bool = False) -> None:
        """Register a handler, in front of the others unless `append` is true."""
        if append:
            self._event_handlers.append(event_handler)
        else:
            self._event_handlers.appendleft(event_handler)

    def unregister_event_handler(self, event_handler: EventHandler) -> None:
        self._event_handlers.remove(event_handler)

    def emit_event_sync(self, event: Event) -> None:
        self._event_queue.append(event)
        self._wake_up()

    async def emit_event(self, event: Event) -> None:
        self.emit_event_sync(event)

    def perform_substitution(self, substitution: Substitution) -> str:
        return substitution.perform(self)
