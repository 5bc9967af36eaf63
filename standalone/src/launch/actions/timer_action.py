"""TimerAction."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from ..action import Action
from ..event import Event
from ..event_handler import BaseEventHandler, EventHandler
from ..events import Shutdown, TimerEvent
from ..launch_context import LaunchContext
from ..launch_description_entity import LaunchDescriptionEntity, SomeEntitiesType
from ..substitution import SomeSubstitutionsType
from ..utilities import ensure_argument_type
from ..utilities.type_utils import normalize_typed_substitution, perform_typed_substitution
from .opaque_function import OpaqueFunction


class _OnTimer(BaseEventHandler):
    """Visits the actions of whichever timer's period is over."""

    def __init__(self) -> None:
        super().__init__(matcher=lambda event: isinstance(event, TimerEvent))

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        super().handle(event, context)
        assert isinstance(event, TimerEvent)
        return event.timer_action.handle(context)


class TimerAction(Action):
    """Executes actions once, `period` seconds from now, unless canceled before."""

    def __init__(
        self,
        *,
        period: float | SomeSubstitutionsType,
        actions: Iterable[LaunchDescriptionEntity],
        cancel_on_shutdown: bool | SomeSubstitutionsType = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        ensure_argument_type(actions, Iterable, "actions", "TimerAction")
        if isinstance(period, str):
            warnings.warn(
                "The parameter 'period' must be a float or substitution, "
                "passing a string literal was deprecated",
                stacklevel=2,
            )
            period = float(period)
        period = float(period) if isinstance(period, int) else period
        self.period = normalize_typed_substitution(period, float)
        self.actions = actions
        self._cancel_on_shutdown = normalize_typed_substitution(cancel_on_shutdown, bool)
        self._canceled = False
        self._handle: asyncio.TimerHandle | None = None
        self._done: asyncio.Future[None] | None = None
        self._locals: dict[str, Any] = {}

    def describe(self) -> str:
        return f"TimerAction(period={self.period}, actions=<actions>)"

    def describe_conditional_sub_entities(
        self,
    ) -> Sequence[tuple[str, Iterable[LaunchDescriptionEntity]]]:
        return [(f"{self.period} seconds pass without being canceled", self.actions)]

    def handle(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity]:
        context.extend_locals(self._locals)
        return self.actions

    def cancel(self) -> None:
        """Do not execute the actions, if that has not happened yet."""
        self._canceled = True
        if self._handle is not None and self._done is not None and not self._done.done():
            self._handle.cancel()
            self._done.set_result(None)

    def execute(self, context: LaunchContext) -> None:
        loop = context.asyncio_loop
        assert loop is not None
        self._done = done = loop.create_future()
        if self._canceled:
            done.set_result(None)
            return
        if not any(isinstance(handler, _OnTimer) for handler in context._event_handlers):
            context.register_event_handler(_OnTimer())
        self._locals = context.get_locals_as_dict()

        def fire() -> None:
            context.emit_event_sync(TimerEvent(timer_action=self))
            done.set_result(None)

        period = perform_typed_substitution(context, self.period, float)
        self._handle = loop.call_later(period, fire)
        if perform_typed_substitution(context, self._cancel_on_shutdown, bool):
            context.register_event_handler(
                EventHandler(
                    matcher=lambda event: isinstance(event, Shutdown),
                    entities=OpaqueFunction(function=lambda context: self.cancel()),
                )
            )

    def get_asyncio_future(self) -> asyncio.Future[None] | None:
        return self._done
