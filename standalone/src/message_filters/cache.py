"""Cache."""

from __future__ import annotations

from typing import Any

from .simple_filter import SimpleFilter
from .stamps import stamp_of


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
        self.connectInput(f)

    def connectInput(self, f: SimpleFilter) -> None:  # noqa: N802
        self.incoming_connection = f.registerCallback(self.add)

    def add(self, msg: Any) -> None:
        """Keep a message and hand it on; one without a stamp is refused unless allowed."""
        stamp = stamp_of(msg, self.allow_headerless, "message_filters_cache")
        if stamp is None:
            return
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
