"""What happens when in virtual time, and who comes first at one instant."""

import heapq
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple


class Order(IntEnum):
    """Who comes first at one instant; messages come before all of these."""

    FEATURES = 0
    ENCODE = 1
    TICK = 2
    CHUNK = 3
    COMMAND = 4


class _Event(NamedTuple):
    at_ns: int
    order: Order
    number: int  # first come, first served
    happen: Callable[[], None]


class Agenda:
    """The events to come; `now_ns` is the virtual time."""

    def __init__(self) -> None:
        """Begin at zero, with nothing to come."""
        self.now_ns = 0
        self._events: list[_Event] = []
        self._count = 0

    def at(self, at_ns: int, order: Order, happen: Callable[[], None]) -> None:
        """Let something happen at a time that is not over yet."""
        self._count += 1
        heapq.heappush(self._events, _Event(at_ns, order, self._count, happen))

    def until(self, now_ns: int) -> None:
        """Let all happen that comes before this instant, and go there."""
        while self._events and self._events[0].at_ns < now_ns:
            event = heapq.heappop(self._events)
            self.now_ns = event.at_ns
            event.happen()
        self.now_ns = now_ns
