"""Filters between subscriptions and callbacks, as ROS 2's Python `message_filters` has them.

The rules are those of ROS 2's Python ones, with two faults of the synchronizers mended. A clock
that jumps back no longer silences them: where a full queue refuses two newcomers in a row because
they are older than all it holds, it forgets what it holds. And the approximate one finds the same
set as by trying all combinations, in polynomial instead of exponential time.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.clock import ROSClock
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.time import Time

from vla_ros_standalone import left_out

__getattr__ = left_out(__name__, "Chain LatestTimeSynchronizer")


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


class Subscriber(SimpleFilter):
    """Subscriber(node, message type, topic, **options of create_subscription).

    `qos_profile` defaults to a depth of 10. The subscription's own attributes are found here too.
    """

    def __init__(self, node: Any, msg_type: Any, topic: str, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.node = node
        self.topic = topic
        kwargs.setdefault("qos_profile", 10)
        self.sub = node.create_subscription(msg_type, topic, *args, self.callback, **kwargs)

    def callback(self, msg: Any) -> None:
        self.signalMessage(msg)

    def getTopic(self) -> str:  # noqa: N802
        return self.topic

    def __getattr__(self, key: str) -> Any:
        if key == "sub":  # while it is still being made
            raise AttributeError(key)
        return getattr(self.sub, key)


def _stamp_of(msg: Any, allow_headerless: bool) -> Any | None:
    """Return a message's stamp; without a header now, or None where that is not allowed."""
    try:  # quicker than contextlib.suppress, and called for every message
        return msg.header.stamp
    except AttributeError:
        pass
    if allow_headerless:
        return ROSClock().now()
    logger: Any = get_logger("message_filters")
    logger.warning(
        "can not use message filters for messages without timestamp information when "
        "'allow_headerless' is disabled. auto assign ROSTIME to headerless messages once "
        "enabling constructor option of 'allow_headerless'."
    )
    return None


class Cache(SimpleFilter):
    """Keeps the last `cache_size` messages, in the order in which they came."""

    def __init__(
        self, f: SimpleFilter, cache_size: int = 1, allow_headerless: bool = False
    ) -> None:
        super().__init__()
        self.cache_size = cache_size
        self.allow_headerless = allow_headerless
        self.cache_msgs: list[Any] = []
        self.cache_times: list[Any] = []
        self.incoming_connection = f.registerCallback(self.add)

    def add(self, msg: Any) -> None:
        """Keep a message and hand it on; one without a stamp is refused unless allowed."""
        stamp = _stamp_of(msg, self.allow_headerless)
        if stamp is None:
            return
        stamp = stamp if hasattr(stamp, "nanoseconds") else Time.from_msg(stamp)
        self.cache_times.append(stamp)
        self.cache_msgs.append(msg)
        if len(self.cache_msgs) > self.cache_size:
            del self.cache_msgs[0], self.cache_times[0]
        self.signalMessage(msg)

    def getInterval(self, from_stamp: Any, to_stamp: Any) -> list[Any]:  # noqa: N802
        """Return the messages from one time to another, both included."""
        assert from_stamp <= to_stamp
        pairs = zip(self.cache_msgs, self.cache_times)
        return [msg for msg, time in pairs if from_stamp <= time <= to_stamp]

    def getElemAfterTime(self, stamp: Any) -> Any | None:  # noqa: N802
        """Return the first message at or after a time."""
        newer = (m for m, time in zip(self.cache_msgs, self.cache_times) if time >= stamp)
        return next(newer, None)

    def getElemBeforeTime(self, stamp: Any) -> Any | None:  # noqa: N802
        """Return the last message at or before a time."""
        older = [m for m, time in zip(self.cache_msgs, self.cache_times) if time <= stamp]
        return older[-1] if older else None

    def getLastestTime(self) -> Any | None:  # noqa: N802
        return self.cache_times[-1] if self.cache_times else None

    def getOldestTime(self) -> Any | None:  # noqa: N802
        return self.cache_times[0] if self.cache_times else None

    def getLast(self) -> Any | None:  # noqa: N802
        return self.getElemAfterTime(self.cache_times[-1]) if self.cache_times else None


class _Queue:
    """The newest messages of one filter by stamp, in nanoseconds."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._refused = False
        self.stamps: list[int] = []  # sorted
        self.messages: dict[int, Any] = {}  # in the order of arrival

    def add(self, stamp: int, msg: Any) -> None:
        stamps, messages = self.stamps, self.messages
        refused = len(stamps) >= self._size and stamps[:1] > [stamp]
        if refused and self._refused:
            stamps.clear()
            messages.clear()
        self._refused = refused
        if stamp not in messages:
            insort(stamps, stamp)
        messages[stamp] = msg
        if len(stamps) > self._size:
            del messages[stamps.pop(0)]

    def take(self, stamp: int) -> None:
        del self.messages[stamp]
        self.stamps.remove(stamp)

    def within(self, low: int, high: int) -> list[int]:
        """Return the stamps from `low` to below `high`, in the order of arrival."""
        near = set(self.stamps[bisect_left(self.stamps, low) : bisect_left(self.stamps, high)])
        return [stamp for stamp in self.messages if stamp in near]

    def nearest(self, stamp: int) -> int:
        """Return the stamp nearest to `stamp`, of two the first to come; for a filled queue."""
        stamps = self.stamps
        index = bisect_left(stamps, stamp)
        if index == len(stamps) or (index == 0 and stamps):
            return stamps[index and -1]
        below, above = stamps[index - 1], stamps[index]
        if stamp - below == above - stamp:
            return next(s for s in self.messages if s in (below, above))
        return below if stamp - below < above - stamp else above


class TimeSynchronizer(SimpleFilter):
    """Hands on sets of messages, one of each filter, whose stamps are equal.

    Each filter has a queue of the `queue_size` newest stamps.
    """

    def __init__(self, fs: Sequence[SimpleFilter], queue_size: int) -> None:
        super().__init__()
        self.queue_size = queue_size
        self.lock = threading.Lock()
        self.queues = [_Queue(queue_size) for _ in fs]
        self.input_connections = [
            f.registerCallback(self.add, queue, index)
            for index, (f, queue) in enumerate(zip(fs, self.queues))
        ]
        self._allow_headerless = False

    def add(self, msg: Any, my_queue: _Queue, my_queue_index: int) -> None:
        """Take a message, and hand on the set that is complete with it, if one is."""
        stamp = _stamp_of(msg, self._allow_headerless)
        if stamp is None:
            self._refuse(msg)
            return
        is_message = hasattr(stamp, "sec")
        ns = stamp.sec * 1_000_000_000 + stamp.nanosec if is_message else stamp.nanoseconds
        with self.lock:
            my_queue.add(ns, msg)
            # A queue is empty most of the time: a set is handed on as soon as it is complete.
            for queue in self.queues:
                if not queue.stamps:
                    return
            found = self._match(ns, my_queue_index) if ns in my_queue.messages else None
            if found is not None:
                self.signalMessage(*[q.messages[s] for q, s in zip(self.queues, found)])
                for queue, one in zip(self.queues, found):
                    queue.take(one)

    def _refuse(self, msg: Any) -> None:
        raise AttributeError(f"a {type(msg).__name__} has no header.stamp to synchronize by")

    def _match(self, stamp: int, index: int) -> list[int] | None:
        """Return the stamps of a set that holds `stamp` in the queue `index`."""
        complete = all(stamp in queue.messages for queue in self.queues)
        return [stamp] * len(self.queues) if complete else None


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
        self._slop: int = self.slop.nanoseconds
        self._allow_headerless = allow_headerless

    def _refuse(self, msg: Any) -> None:
        """Leave it at the warning."""

    def _match(self, stamp: int, index: int) -> list[int] | None:
        nearest = []
        for number, queue in enumerate(self.queues):
            one = stamp if number == index else queue.nearest(stamp)
            if abs(one - stamp) >= self._slop:
                return None
            nearest.append(one)
        if max(nearest) - min(nearest) < self._slop:
            return nearest
        low, high = stamp - self._slop + 1, stamp + self._slop
        candidates = [queue.within(low, high) for queue in self.queues]
        candidates[index] = [stamp]
        return _nearest_set(stamp, candidates, self._slop)


def _nearest_set(stamp: int, candidates: Sequence[Sequence[int]], slop: int) -> list[int] | None:
    """Return one stamp of each, as near to `stamp` as can be from the first on."""
    ordered = [sorted(stamps) for stamps in candidates]
    chosen: list[int] = []
    low = high = stamp
    if not _can_complete(low, high, ordered, slop):
        return None
    for index, stamps in enumerate(candidates):
        for s in sorted(stamps, key=lambda s: abs(s - stamp)):
            if _can_complete(min(low, s), max(high, s), ordered[index + 1 :], slop):
                low, high = min(low, s), max(high, s)
                chosen.append(s)
                break
    return chosen


def _can_complete(low: int, high: int, queues: Sequence[list[int]], slop: int) -> bool:
    """Tell whether some span shorter than `slop` holds low, high and a stamp of each queue."""
    starts = [low, *(s for stamps in queues for s in stamps if high - slop < s < low)]
    return high - low < slop and any(
        all(_holds(stamps, start, start + slop) for stamps in queues) for start in starts
    )


def _holds(sorted_stamps: list[int], start: int, end: int) -> bool:
    index = bisect_left(sorted_stamps, start)
    return index < len(sorted_stamps) and sorted_stamps[index] < end
