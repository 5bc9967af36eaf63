"""SimpleFilter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class SimpleFilter:
    """Base of all filters: hands messages on to callbacks."""

    def __init__(self) -> None:
        self.callbacks: dict[int, tuple[Callable[..., Any], tuple[Any, ...]]] = {}

    def registerCallback(self, cb: Callable[..., Any], *args: Any) -> int:  # noqa: N802
        """Call `cb(*messages, *args)` with each output; return the connection's number."""
        number = len(self.callbacks)
        self.callbacks[number] = (cb, args)
        return number

    def signalMessage(self, *msg: Any) -> None:  # noqa: N802
        """Give messages to all callbacks."""
        for callback, args in self.callbacks.values():
            callback(*msg, *args)
