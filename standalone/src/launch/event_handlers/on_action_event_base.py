"""OnActionEventBase: handlers for events that name the action they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..event import Event
from ..event_handler import BaseEventHandler
from ..launch_description_entity import LaunchDescriptionEntity, SomeEntitiesType

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class OnActionEventBase(BaseEventHandler):
    """Handles events of one class, of one action, of those a callable accepts, or of all (None).

    `on_event` is a callable of (event, context), an entity or an iterable of entities.
    """

    def __init__(
        self,
        *,
        action_matcher: Any,
        on_event: Any,
        target_event_cls: type[Event],
        target_action_cls: type[Any],
        **kwargs: Any,
    ) -> None:
        if not issubclass(target_event_cls, Event):
            raise TypeError("'target_event_cls' must be a subclass of 'Event'")
        is_target = isinstance(action_matcher, (target_action_cls, type(None)))
        if not is_target and not callable(action_matcher):
            raise TypeError(
                f"action_matcher must be an '{target_action_cls.__name__}' instance or a callable"
            )

        def matcher(event: Event) -> bool:
            if not isinstance(event, target_event_cls):
                return False
            action = event.action  # type: ignore[attr-defined]
            if callable(action_matcher):
                return bool(action_matcher(action))
            return action_matcher is None or action is action_matcher

        super().__init__(matcher=matcher, **kwargs)
        self._on_event: Callable[[Any, LaunchContext], SomeEntitiesType | None] | None = None
        self._actions: list[LaunchDescriptionEntity] = []
        if callable(on_event):
            self._on_event = on_event
        elif on_event is not None:
            self._actions = list(on_event) if isinstance(on_event, Iterable) else [on_event]
        for entity in self._actions:
            if not isinstance(entity, LaunchDescriptionEntity):
                raise TypeError(
                    "expected all items in 'on_event' iterable to be of type "
                    f"'LaunchDescriptionEntity' but got '{type(entity)}'"
                )
        self.handler_description = "<actions>" if self._actions else str(on_event)
        self.matcher_description = f"event == {target_event_cls.__name__}"
        if action_matcher is not None:
            self.matcher_description += f" and {target_action_cls.__name__}(event.action)"

    def describe(self) -> tuple[str, list[LaunchDescriptionEntity]]:
        return super().describe()[0], list(self._actions)

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        super().handle(event, context)
        return self._on_event(event, context) if self._on_event is not None else self._actions
