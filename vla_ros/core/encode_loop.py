"""When to encode which images: one worker, no queue."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from vla_ros.core.framesets import FrameMatcher, FrameSet
from vla_ros.core.time import NS, Now, Seen

Image = TypeVar("Image")


class EncodeSchedule(Generic[Image]):
    """Decides when which set of images is encoded: at a steady rate, and at once when told anew.

    It has no thread and no clock, so the graph and a replay without clocks follow the same rule.
    New images replace older ones in the matcher: overload drops frames and never ages them.
    """

    def __init__(self, matcher: FrameMatcher[Image], rate_hz: float) -> None:
        """Take the place of the newest frames, and how many encodes a second; 0: no limit."""
        self._matcher = matcher
        self._period_ns = round(NS / rate_hz) if rate_hz > 0 else 0
        self._due_ns = 0
        self._frames_are_new = False
        self._instruction = ""

    def put(self, view: str, seen: Seen, image: Image) -> None:
        """Keep a frame."""
        self._matcher.put(view, seen, image)
        self._frames_are_new = True

    def instruct(self, text: str) -> bool:
        """Set the instruction; a new one is due at once. Return whether it is new."""
        if text == self._instruction:
            return False
        self._instruction = text
        self._due_ns = 0
        return True

    def clear(self) -> None:
        """Forget every frame."""
        self._matcher.clear()

    def take(self, now: Now) -> tuple[FrameSet[Image], str] | None:
        """Return the set and the instruction to be encoded now, None if none is due or there."""
        if self._due_ns > now.steady_ns or not self._frames_are_new:
            return None
        self._frames_are_new = False
        frames = self._matcher.pick(now)
        if frames is None:
            return None
        self._due_ns = self._after(now.steady_ns)
        return frames, self._instruction

    def wait_ns(self, now: Now) -> int | None:
        """Return how long `take` has nothing [ns] after it had nothing; None: until news come."""
        wait_ns = self._due_ns - now.steady_ns
        return wait_ns if wait_ns > 0 else None

    def _after(self, steady_ns: int) -> int:
        """Return the next place on the grid; the first encode, or a late one, places it anew."""
        following_ns = self._due_ns + self._period_ns
        return following_ns if following_ns > steady_ns else steady_ns + self._period_ns


class EncodeLoop(Generic[Image]):
    """A thread that encodes what its schedule says, one set at a time."""

    def __init__(
        self,
        matcher: FrameMatcher[Image],
        clock: Callable[[], Now],
        rate_hz: float,
        encode: Callable[[FrameSet[Image], str, Now], None],
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; nothing runs before `start`.

        Args:
            matcher: the newest frames.
            clock: reads both clocks.
            rate_hz: encodes a second; 0 for as fast as it goes.
            encode: does the work with a set, the instruction and the time of the choice.
            prepare: is called once in the worker, before all else.
        """
        self._schedule = EncodeSchedule(matcher, rate_hz)
        self._clock = clock
        self._encode = encode
        self._prepare = prepare
        self._news = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="encode", daemon=True)
        self.error: Exception | None = None

    def start(self) -> None:
        """Start the worker."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Ask the worker to end after the encode it is in, and wait for it."""
        with self._news:
            self._stopping = True
            self._news.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def put(self, view: str, seen: Seen, image: Image) -> None:
        """Keep a frame."""
        with self._news:
            self._schedule.put(view, seen, image)
            self._news.notify()

    def instruct(self, text: str) -> None:
        """Set the instruction; a new one is encoded at once."""
        with self._news:
            if self._schedule.instruct(text):
                self._news.notify()

    def clear(self) -> None:
        """Forget every frame."""
        with self._news:
            self._schedule.clear()

    def _run(self) -> None:
        try:
            self._prepare()
            while (job := self._next()) is not None:
                self._encode(*job)
        except Exception as error:  # kept for the node, whose thread this is not
            self.error = error

    def _next(self) -> tuple[FrameSet[Image], str, Now] | None:
        """Wait until an encode is due and a set is there; None: stop."""
        with self._news:
            while not self._stopping:
                now = self._clock()
                if (job := self._schedule.take(now)) is not None:
                    return *job, now
                wait_ns = self._schedule.wait_ns(now)
                self._news.wait(None if wait_ns is None else wait_ns / NS)
        return None
