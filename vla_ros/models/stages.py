"""Named durations on the steady clock."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Stage(NamedTuple):
    """One part of the work: when it began on the steady clock [s] and how long it took [s]."""

    name: str
    start_s: float
    duration_s: float


class StageTimer:
    """Collects stages in order."""

    def __init__(self, finish: Callable[[], None] = lambda: None) -> None:
        """Call `finish` at the end of each stage: it waits for a device that works by itself."""
        self._finish = finish
        self._stages: list[Stage] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is inside the `with` block."""
        start_s = time.monotonic()
        yield
        self._finish()
        self._stages.append(Stage(name, start_s, time.monotonic() - start_s))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return what was timed so far."""
        return tuple(self._stages)
