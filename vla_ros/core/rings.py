"""The newest samples of a fast stream, as one contiguous window."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import MessageError
from vla_ros.core.time import NS, Now, Seen

# Going back further than this means that the sender's clock was set, not that a message was late.
_CLOCK_SET_NS = NS

# How many windows fit before the newest one is moved back to the front of the buffer.
_SPARE = 4


@dataclass(frozen=True, slots=True)
class Window:
    """The newest samples, oldest first."""

    data: NDArray[np.float32]  # (length, channels); the oldest sample is repeated in front if short
    newest: Seen
    samples: int  # how many of them are real
    gap_s: float  # longest distance between two neighbours


class SampleRing:
    """Keeps the newest `length` samples; appending copies once, reading never."""

    def __init__(self, length: int, channels: int) -> None:
        """Allocate everything now: (`length`, `channels`) float32."""
        self.length = length
        self.channels = channels
        self._data = np.zeros((length * _SPARE, channels), np.float32)
        self._stamps_ns = np.zeros(length * _SPARE, np.int64)
        self.clear()

    def clear(self) -> None:
        """Forget every sample."""
        self._end = 0
        self._newest: Seen | None = None

    def append(
        self, block: NDArray[np.float32], first_ns: int, period_ns: int, arrived_ns: int
    ) -> None:
        """Add consecutive samples, (N, channels); sample i was captured at first + i * period.

        A block that starts before the newest sample is a duplicate or came late, and is dropped;
        if it starts more than a second before, the clock was set back and the ring starts anew.

        Raises:
            MessageError: the block has another number of channels.
        """
        if block.ndim != 2 or block.shape[1] != self.channels:
            raise MessageError(f"samples of shape {block.shape}; (N, {self.channels}) is allowed")
        if not len(block):
            return
        if self._newest is not None and first_ns <= self._newest.stamp_ns:
            if self._newest.stamp_ns - first_ns < _CLOCK_SET_NS:
                return
            self.clear()
        stamps_ns = first_ns + period_ns * np.arange(len(block), dtype=np.int64)
        block, tail_ns = block[-self.length :], stamps_ns[-self.length :]
        start = self._room_for(len(block))
        self._data[start : self._end] = block
        self._stamps_ns[start : self._end] = tail_ns
        self._newest = Seen(int(tail_ns[-1]), arrived_ns)

    def window(self) -> Window | None:
        """Return the newest `length` samples, or None before the first."""
        if self._newest is None:
            return None
        start = max(0, self._end - self.length)
        data, stamps_ns = self._data[start : self._end], self._stamps_ns[start : self._end]
        gap_s = float(np.diff(stamps_ns).max()) / NS if len(stamps_ns) > 1 else 0.0
        if len(data) < self.length:
            data = np.concatenate([np.repeat(data[:1], self.length - len(data), axis=0), data])
        return Window(data, self._newest, len(stamps_ns), gap_s)

    def age_s(self, now: Now) -> float:
        """Return the age of the newest sample [s]; infinite before the first."""
        return self._newest.age_s(now) if self._newest else float("inf")

    def _room_for(self, count: int) -> int:
        start = self._end
        if start + count > len(self._data):
            kept = min(self.length, start)
            self._data[:kept] = self._data[start - kept : start]
            self._stamps_ns[:kept] = self._stamps_ns[start - kept : start]
            start = kept
        self._end = start + count
        return start
