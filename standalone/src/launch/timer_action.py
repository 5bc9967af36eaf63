"""TimerAction."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from .event_handlers import EventHandler, OnShutdown
from .events import Event, TimerEvent
from .launch_context import LaunchContext
from .launch_description import Action, LaunchDescriptionEntity
from .substitutions import SomeSubstitutionsType
from .utilities.type_utils import normalize_typed_substitution, perform_typed_substitution

Entities = Iterable[LaunchDescriptionEntity]


class TimerAction(Action):
    """Executes actions once, `period` seconds from now, unless canceled or shut down before."""

    def __init__(
        self, *, period: float | SomeSubstitutionsType, actions: Entities, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        period = float(period) if isinstance(period, (int, str)) else period
        self.period = normalize_typed_substitution(period, float)
        self.actions = actions
        self._canceled = False
        self._handle: asyncio.TimerHandle | None = None
        self._done: asyncio.Future[None] | None = None

    def describe_conditional_sub_entities(self) -> Sequence[tuple[str, Entities]]:
        return [(f"{self.period} seconds pass without being canceled", self.actions)]

    def cancel(self) -> None:
        """Do not execute the actions, if that has not happened yet."""
        self._canceled = True
        if self._handle is not None and self._done is not None and not self._done.done():
            self._handle.cancel()
            self._done.set_result(None)

    def execute(self, context: LaunchContext) -> None:
        if self._canceled:
            return
        assert (loop := context.asyncio_loop) is not None
        self._done = done = loop.create_future()
        locals_now = context.get_locals_as_dict()

        def fire() -> None:
            context.emit_event_sync(TimerEvent(timer_action=self))
            done.set_result(None)

        def act(event: Event, context: LaunchContext) -> Entities:
            context.extend_locals(locals_now)
            return self.actions

        def is_own(event: Event) -> bool:
            return isinstance(event, TimerEvent) and event.timer_action is self

        period = perform_typed_substitution(context, self.period, float)
        context.register_event_handler(EventHandler(matcher=is_own, entities=act, handle_once=True))
        context.register_event_handler(OnShutdown(on_shutdown=lambda *_: self.cancel()))
        self._handle = loop.call_later(period, fire)

    def get_asyncio_future(self) -> asyncio.Future[None] | None:
        return self._done
