"""TimeSynchronizer and ApproximateTimeSynchronizer.

The rules are those of ROS 2's Python ones, with two faults mended. A clock that jumps back no
longer silences them: where a full queue refuses two newcomers in a row because they are older
than all it holds, it forgets what is newer than them. And the approximate one finds the same set
as by trying all combinations, in polynomial instead of exponential time.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from rclpy.duration import Duration

from .simple_filter import SimpleFilter
from .stamps import stamp_of

Queue = dict[int, Any]


class TimeSynchronizer(SimpleFilter):
    """Hands on sets of messages, one of each filter, whose stamps are equal.

    Each filter has a queue of the `queue_size` newest stamps.
    """

    def __init__(self, fs: Sequence[SimpleFilter], queue_size: int) -> None:
        super().__init__()
        self.queue_size = queue_size
        self.lock = threading.Lock()
        self.connectInput(fs)

    def connectInput(self, fs: Sequence[SimpleFilter]) -> None:  # noqa: N802
        self.queues: list[Queue] = [{} for _ in fs]
        self._refused = [False for _ in fs]
        self.input_connections = [
            f.registerCallback(self.add, queue, index)
            for index, (f, queue) in enumerate(zip(fs, self.queues))
        ]

    def add(self, msg: Any, my_queue: Queue, my_queue_index: int) -> None:
        """Take a message, and hand on each set that is complete with it."""
        stamp = stamp_of(msg, False, "message_filters")
        if stamp is None:
            raise AttributeError(f"a {type(msg).__name__} has no header.stamp to synchronize by")
        with self.lock:
            self._store(stamp.nanoseconds, msg, my_queue_index)
            for common in sorted(set(self.queues[0]).intersection(*self.queues[1:])):
                self._emit([common for _ in self.queues])

    def _store(self, stamp: int, msg: Any, index: int) -> None:
        queue = self.queues[index]
        full = len(queue) >= self.queue_size and stamp not in queue
        refused = full and stamp < min(queue)
        if refused and self._refused[index]:
            queue.clear()
        self._refused[index] = refused
        queue[stamp] = msg
        while len(queue) > self.queue_size:
            del queue[min(queue)]

    def _emit(self, stamps: Sequence[int]) -> None:
        self.signalMessage(*[queue[s] for queue, s in zip(self.queues, stamps)])
        for queue, stamp in zip(self.queues, stamps):
            del queue[stamp]


class ApproximateTimeSynchronizer(TimeSynchronizer):
    """Hands on sets of messages, one of each filter, whose stamps lie within `slop` seconds.

    A new message is matched at once, if at all. Of the sets that contain it, the one is taken
    whose first filter's message is nearest in time to it, then the second's, and so on. All
    stamps of a set lie less than `slop` apart.
    """

    def __init__(
        self,
        fs: Sequence[SimpleFilter],
        queue_size: int,
        slop: float,
        allow_headerless: bool = False,
    ) -> None:
        super().__init__(fs, queue_size)
        self.slop = Duration(seconds=slop)
        self.allow_headerless = allow_headerless

    def add(self, msg: Any, my_queue: Queue, my_queue_index: int) -> None:
        time = stamp_of(msg, self.allow_headerless, "message_filters_approx")
        if time is None:
            return
        with self.lock:
            stamp = time.nanoseconds
            self._store(stamp, msg, my_queue_index)
            if stamp not in my_queue:
                return
            others = [q for index, q in enumerate(self.queues) if index != my_queue_index]
            found = _nearest_set(stamp, others, self.slop.nanoseconds)
            if found is not None:
                found.insert(my_queue_index, stamp)
                self._emit(found)


def _nearest_set(stamp: int, queues: Sequence[Queue], slop: int) -> list[int] | None:
    """Return one stamp of each queue, as near to `stamp` as can be from the first queue on."""
    within = []
    for queue in queues:
        near = sorted(s for s in queue if abs(s - stamp) <= slop)
        if not near:
            return None
        within.append(near)
    chosen: list[int] = []
    low = high = stamp
    for index, queue in enumerate(queues):
        near = within[index]
        arrived = [s for s in queue if near[0] <= s <= near[-1]]  # the first to come wins a tie
        for s in sorted(arrived, key=lambda s: abs(s - stamp)):
            if _can_complete(min(low, s), max(high, s), within[index + 1 :], slop):
                low, high = min(low, s), max(high, s)
                chosen.append(s)
                break
        else:
            return None
    return chosen if high - low < slop else None


def _can_complete(low: int, high: int, queues: Sequence[list[int]], slop: int) -> bool:
    """Tell whether some span shorter than `slop` holds low, high and a stamp of each queue."""
    first = high - slop
    starts = [low, *(s for near in queues for s in near if first < s < low)]
    return high - low < slop and any(
        all(_holds(near, start, start + slop) for near in queues) for start in starts
    )


def _holds(sorted_stamps: list[int], start: int, end: int) -> bool:
    index = bisect_left(sorted_stamps, start)
    return index < len(sorted_stamps) and sorted_stamps[index] < end
