"""ReadyAggregator."""

from __future__ import annotations

import threading
from collections.abc import Callable


class ReadyAggregator:
    """Calls a function when its own `ready_fn` has been called that many times."""

    def __init__(self, ready_fn: Callable[[], None], num_to_aggregate: int) -> None:
        self._then = ready_fn
        self._missing = num_to_aggregate
        self._lock = threading.Lock()

    def ready_fn(self) -> None:
        with self._lock:
            self._missing -= 1
            last = self._missing == 0
        if last:
            self._then()
