"""Picks one image of each camera such that all show the same moment."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Generic, TypeVar

from vla_ros.core.errors import MessageError
from vla_ros.core.latency import Stage
from vla_ros.core.time import NS, Now, Seen

Image = TypeVar("Image")

# A camera's usual period is the median of so many.
_GAPS = 9


@dataclass(frozen=True, slots=True)
class Frame(Generic[Image]):
    """One image, by reference."""

    view: str
    seen: Seen
    image: Image


@dataclass(frozen=True, slots=True)
class FrameSet(Generic[Image]):
    """One image of each view, in the order of the views."""

    frames: tuple[Frame[Image], ...]

    @property
    def stamps_ns(self) -> tuple[int, ...]:
        """Capture times."""
        return tuple(frame.seen.stamp_ns for frame in self.frames)

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the views that are there."""
        return tuple(frame.view for frame in self.frames)

    @property
    def newest_ns(self) -> int:
        """Capture time of the newest image."""
        return max(self.stamps_ns)

    @property
    def oldest_ns(self) -> int:
        """Capture time of the oldest image."""
        return min(self.stamps_ns)


def arrival_stages(frames: FrameSet[Image], chosen: Now) -> list[Stage]:
    """Return what happened to a set's newest image before it was chosen: transport and sync."""
    newest = max(frames.frames, key=lambda frame: frame.seen.stamp_ns).seen
    captured_ns = chosen.steady_ns - (chosen.ros_ns - newest.stamp_ns)
    return [
        Stage("transport", captured_ns, newest.arrived_ns - captured_ns),
        Stage("sync", newest.arrived_ns, chosen.steady_ns - newest.arrived_ns),
    ]


@dataclass(slots=True)
class ViewCounts:
    """What became of a camera's frames."""

    received: int = 0
    used: int = 0
    repeated: int = 0  # the same or an older stamp than the one before
    lost: int = 0  # missing from the even spacing of the stamps
    unpaired: int = 0  # went without ever having fitted into a set
    gaps_ns: deque[int] = field(default_factory=lambda: deque(maxlen=_GAPS))

    def note(self, gap_ns: int) -> None:
        """Take the time since the frame before; a multiple of the usual one means lost frames."""
        self.gaps_ns.append(gap_ns)
        if len(self.gaps_ns) == _GAPS:
            self.lost += max(0, round(gap_ns / median(self.gaps_ns)) - 1)


@dataclass
class FrameMatcher(Generic[Image]):
    """Keeps the newest `keep` frames of each view and picks the newest set within `slop_s`.

    A set must be newer than the last one that was picked. A camera that fell silent does not
    silence the others: without a complete fresh set, one of at least `min_views` is picked.

    A frame that newer ones push out is *unpaired* if at no moment frames of `min_views` views,
    itself among them, lay within `slop_s`: no pick could ever have used it. One that could have
    been used, and was not because a newer set was picked, is merely superseded.
    """

    views: Sequence[str]
    slop_s: float
    min_views: int
    max_age_s: float = 1.0
    keep: int = 4
    counts: dict[str, ViewCounts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the buffers."""
        self.counts = {view: ViewCounts() for view in self.views}
        self._buffers: dict[str, deque[Frame[Image]]] = {
            view: deque(maxlen=self.keep) for view in self.views
        }
        self._last_ns: int | None = None
        self._alone: set[tuple[str, int]] = set()  # (view, stamp) of frames without partners yet

    def clear(self) -> None:
        """Forget every frame, as after a clock jump."""
        for buffer in self._buffers.values():
            buffer.clear()
        self._last_ns = None
        self._alone.clear()

    def put(self, view: str, seen: Seen, image: Image) -> None:
        """Keep a frame; one that is older than its predecessor means that the clock was set back.

        Raises:
            MessageError: the view is unknown.
        """
        if view not in self._buffers:
            raise MessageError(f"a frame of {view!r}; known views: {', '.join(self.views)}")
        buffer, count = self._buffers[view], self.counts[view]
        count.received += 1
        if buffer and seen.stamp_ns <= buffer[-1].seen.stamp_ns:
            if buffer[-1].seen.stamp_ns - seen.stamp_ns < self.max_age_s * NS:
                count.repeated += 1
                return
            self.clear()
        if buffer:
            count.note(seen.stamp_ns - buffer[-1].seen.stamp_ns)
        if len(buffer) == self.keep and (gone := (view, buffer[0].seen.stamp_ns)) in self._alone:
            self._alone.remove(gone)
            count.unpaired += 1
        buffer.append(Frame(view, seen, image))
        self._pair(view, seen.stamp_ns)

    def pick(self, now: Now) -> FrameSet[Image] | None:
        """Return the newest set of images that belong together, or None."""
        fresh = {
            view: [frame for frame in buffer if frame.seen.age_s(now) <= self.max_age_s]
            for view, buffer in self._buffers.items()
        }
        moments = sorted(
            {f.seen.stamp_ns for frames in fresh.values() for f in frames}, reverse=True
        )
        for wanted in sorted({len(self.views), self.min_views}, reverse=True):
            for moment_ns in moments:
                if self._last_ns is not None and moment_ns <= self._last_ns:
                    break
                chosen = self._at(moment_ns, fresh)
                if len(chosen) >= wanted:
                    return self._taken(FrameSet(tuple(chosen)))
        return None

    def _pair(self, view: str, stamp_ns: int) -> None:
        """Note which frames fit into a set since this one came, itself among them or not."""
        slop_ns = int(self.slop_s * NS)
        near = [
            (name, frame.seen.stamp_ns)
            for name, buffer in self._buffers.items()
            for frame in buffer
            if abs(frame.seen.stamp_ns - stamp_ns) <= slop_ns
        ]
        self._alone.add((view, stamp_ns))
        for newest_ns in {moment_ns for _, moment_ns in near if moment_ns >= stamp_ns}:
            inside = [one for one in near if newest_ns - slop_ns <= one[1] <= newest_ns]
            if len({name for name, _ in inside}) >= self.min_views:
                self._alone.difference_update(inside)

    def _at(self, moment_ns: int, fresh: dict[str, list[Frame[Image]]]) -> list[Frame[Image]]:
        oldest_ns = moment_ns - int(self.slop_s * NS)
        chosen = []
        for view in self.views:
            inside = [f for f in fresh[view] if oldest_ns <= f.seen.stamp_ns <= moment_ns]
            if inside:
                chosen.append(inside[-1])
        return chosen

    def _taken(self, frames: FrameSet[Image]) -> FrameSet[Image]:
        self._last_ns = frames.newest_ns
        for frame in frames.frames:
            self.counts[frame.view].used += 1
        return frames
