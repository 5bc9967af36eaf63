"""The inputs of a recorded run, to be played again: which they are, when each is due, its stamp."""

import heapq
import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count, pairwise, takewhile
from operator import attrgetter
from statistics import median
from typing import NamedTuple

import psutil

from vla_ros.core.errors import BagError
from vla_ros.core.time import NS
from vla_ros.data import cdr
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.episodes import natural

IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
INSTRUCTION = "std_msgs/msg/String"
_INPUTS = (
    *(*IMAGES, "sensor_msgs/msg/CameraInfo", "sensor_msgs/msg/JointState"),
    *("vla_ros/msg/SensorSamples", "geometry_msgs/msg/WrenchStamped"),
    "geometry_msgs/msg/PoseStamped",
)
# What a driver calls an image, after its camera's name.
_IMAGE_NAMES = re.compile(r"image(_.*)?|color|rgb|compressed")
# A bag of a single moment is played again this often.
_SHORTEST_PASS_S = 0.1
# What the other processes of the graph are left of the memory that is free now.
_SHARE_OF_MEMORY = 0.75


class Due(NamedTuple):
    """A serialised message, due `at_s` after the start, stamped for that start."""

    at_s: float
    topic: str
    data: bytes


class _Kept(NamedTuple):
    """A message in memory: when it was received and captured, after the first was received."""

    at_s: float
    stamp_s: float | None  # None: it has none
    topic: str
    data: bytes


class Playback:
    """Plays the inputs in a bag; `topics` maps each of them to its type.

    All of them are in memory (`megabytes`), so that no disk delays them and the bag may be closed;
    one pass takes `duration_s`.
    """

    def __init__(
        self,
        bag: BagReader,
        topics: Collection[str] = (),
        rate: float = 1.0,
        camera_rate_hz: float = 0.0,
    ) -> None:
        """Choose what to play, and load it.

        Args:
            bag: only read here.
            topics: these only; empty: every input in the bag.
            rate: 2.0 plays twice as fast.
            camera_rate_hz: play the images of each camera evenly, so many a second, over and over;
                0: as recorded.

        Raises:
            BagError: a topic is not in the bag, the bag holds no inputs, or more than fits in the
                memory that is free.
        """
        self.topics = _chosen(bag, topics)
        self._rate = rate
        self._camera_rate_hz = camera_rate_hz
        messages = _load(bag, self.topics)
        self.megabytes = sum(len(kept.data) for kept in messages) / 1e6
        self.duration_s = messages[-1].at_s / rate
        self._pass_s = max(messages[-1].at_s, _even_pass_s(messages), _SHORTEST_PASS_S) / rate
        evenly = {t for t, kind in self.topics.items() if camera_rate_hz and kind in IMAGES}
        self._cameras = [[k for k in messages if k.topic == topic] for topic in sorted(evenly)]
        self._recorded = [kept for kept in messages if kept.topic not in evenly]

    def messages(self, start_ns: int, duration_s: float = 0.0) -> Iterator[Due]:
        """Yield what is due in less than so many seconds, again if need be; 0: one pass.

        Stamps are as if the first message were received at `start_ns` in ROS time.
        """
        passes = count() if duration_s else range(1)
        even = (self._evenly(images, start_ns) for images in self._cameras if images)
        merged = heapq.merge(self._passes(passes, start_ns), *even, key=attrgetter("at_s"))
        if duration_s:
            return takewhile(lambda due: due.at_s < duration_s, merged)
        return takewhile(lambda due: due.at_s <= self.duration_s, merged)

    def forever(self, start_ns: int) -> Iterator[Due]:
        """Yield pass after pass without an end."""
        return self.messages(start_ns, math.inf)

    def _passes(self, passes: Iterable[int], start_ns: int) -> Iterator[Due]:
        """Yield what is played as it was recorded."""
        for number in passes if self._recorded else ():
            for kept in self._recorded:
                yield self._due(kept, number * self._pass_s, start_ns)

    def _due(self, kept: _Kept, begin_s: float, start_ns: int) -> Due:
        data = kept.data
        if kept.stamp_s is not None:
            after_s = begin_s + kept.stamp_s / self._rate
            data = cdr.with_stamp(data, start_ns + round(after_s * NS))
        return Due(begin_s + kept.at_s / self._rate, kept.topic, data)

    def _evenly(self, images: list[_Kept], start_ns: int) -> Iterator[Due]:
        """Yield one camera's images on an even grid, stamped for the moment they are due."""
        for number in count():
            at_s = number / self._camera_rate_hz
            kept = images[number % len(images)]
            yield Due(at_s, kept.topic, cdr.with_stamp(kept.data, start_ns + round(at_s * NS)))


def cameras(topics: Mapping[str, str]) -> dict[str, str]:
    """Return the topic of each camera by its name, camera_2 before camera_10.

    The name is the last part of the topic that is not what every driver says: `left` for
    /lab/left/color/image_raw/compressed. Of raw and compressed images the raw ones count.
    """
    found: dict[str, str] = {}
    # The longer topic is the compressed one.
    for topic in sorted((t for t, kind in topics.items() if kind in IMAGES), key=len):
        raw = topic.removesuffix("/compressed")
        if raw in found.values():
            continue
        parts = [part for part in raw.strip("/").split("/") if not _IMAGE_NAMES.fullmatch(part)]
        name = parts[-1] if parts else "camera"
        if name in found:
            name = "_".join(raw.strip("/").split("/"))
        found[name] = topic
    return dict(sorted(found.items(), key=lambda item: natural(item[0])))


def _chosen(bag: BagReader, topics: Collection[str]) -> dict[str, str]:
    """Return the topics to play with their types."""
    inputs = {
        topic: msgtype
        for topic, msgtype in bag.topics.items()
        if msgtype in _INPUTS or (msgtype == INSTRUCTION and topic.endswith("instruction"))
    }
    if missing := set(topics) - bag.topics.keys():
        raise BagError(
            f"{bag.path} lacks {', '.join(sorted(missing))}; it has {', '.join(bag.topics)}"
        )
    chosen = {topic: bag.topics[topic] for topic in topics} if topics else inputs
    if not chosen:
        raise BagError(
            f"{bag.path} holds no inputs to play (record with record_inputs:=true); "
            f"it has {', '.join(bag.topics)}"
        )
    return chosen


def _even_pass_s(messages: Sequence[_Kept]) -> float:
    """Return after how long a next pass may begin so that no topic comes before its usual period.

    Where the topics end together, as in a recording they do, each then goes on as if nothing were.
    """
    times: dict[str, list[float]] = defaultdict(list)
    for kept in messages:
        times[kept.topic].append(kept.at_s)
    return max(
        at_s[-1] - at_s[0] + (median(b - a for a, b in pairwise(at_s)) if len(at_s) > 1 else 0.0)
        for at_s in times.values()
    )


def _load(bag: BagReader, topics: Mapping[str, str]) -> list[_Kept]:
    """Read everything to play, in the order of its receipt."""
    allowed = psutil.virtual_memory().available * _SHARE_OF_MEMORY
    stamped = {topic for topic, kind in topics.items() if cdr.has_header(kind)}
    messages: list[_Kept] = []
    size, origin_ns = 0, None
    for record in bag.messages(topics):
        size += len(record.data)
        if size > allowed:
            raise BagError(
                f"the inputs in {bag.path} take more than {allowed / 1e6:.0f} MB, three quarters "
                "of the memory that is free; play fewer topics, or a bag with JPEG images"
            )
        origin_ns = record.log_ns if origin_ns is None else origin_ns
        stamp_ns = cdr.stamp_ns(record.data) if record.topic in stamped else 0
        stamp_s = (stamp_ns - origin_ns) / NS if stamp_ns else None
        at_s = (record.log_ns - origin_ns) / NS
        messages.append(_Kept(at_s, stamp_s, record.topic, bytes(record.data)))
    if not messages:
        raise BagError(f"{bag.path} lists inputs, but holds no message of them")
    return messages


class Audience:
    """Knows when everybody who listens has come, so that nobody misses the beginning.

    That is when each awaited topic has a listener and for a while no other has come. Without
    awaited topics an image must have one (the encoder loads longest); where no images are played,
    any listener will do.
    """

    def __init__(
        self, topics: Mapping[str, str], settle_s: float, awaited: Collection[str] = ()
    ) -> None:
        """Wait `settle_s` for one more listener, of topics with their types.

        A topic that is awaited, with or without its leading slash, but not played is not awaited.
        """
        names = {name.lstrip("/") for name in awaited}
        self._each = {topic for topic in topics if topic.lstrip("/") in names}
        images = {topic for topic, msgtype in topics.items() if msgtype in IMAGES}
        self._any = images or set(topics)
        self._settle_s = settle_s
        self._counts: Mapping[str, int] = {}
        self._since_s = 0.0

    def is_seated(self, counts: Mapping[str, int], now_s: float) -> bool:
        """Return whether to begin, given the listeners of each topic at a steady time."""
        if counts != self._counts:
            self._counts, self._since_s = dict(counts), now_s
        here = any(counts.get(topic, 0) for topic in self._any)
        here = here and all(counts.get(topic, 0) for topic in self._each)
        return here and now_s - self._since_s >= self._settle_s
