"""The inputs of a recorded run, to be played again: which they are, when each is due, its stamp."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from vla_ros.core.errors import BagError
from vla_ros.data import cdr
from vla_ros.data.bag_reader import BagReader

IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
INSTRUCTION = "std_msgs/msg/String"
_INPUTS = (
    *(*IMAGES, "sensor_msgs/msg/CameraInfo", "sensor_msgs/msg/JointState"),
    *("vla_ros/msg/SensorSamples", "geometry_msgs/msg/WrenchStamped"),
    "geometry_msgs/msg/PoseStamped",
)
# Between the last message of one pass and the first of the next: one frame of a 10 Hz camera.
_GAP_S = 0.1


class Due(NamedTuple):
    """A serialised message, due `at_s` after the start, stamped for that start."""

    at_s: float
    topic: str
    data: bytes


class Playback:
    """Plays the inputs in a bag; `topics` maps each of them to its type."""

    def __init__(self, bag: BagReader, topics: Collection[str] = (), rate: float = 1.0) -> None:
        """Choose what to play.

        Args:
            bag: must stay open.
            topics: these only; empty: every input in the bag.
            rate: 2.0 plays twice as fast.

        Raises:
            BagError: a topic is not in the bag, or the bag holds no inputs.
        """
        inputs = {
            topic: msgtype
            for topic, msgtype in bag.topics.items()
            if msgtype in _INPUTS or (msgtype == INSTRUCTION and topic.endswith("instruction"))
        }
        if missing := set(topics) - bag.topics.keys():
            raise BagError(
                f"{bag.path} lacks {', '.join(sorted(missing))}; it has {', '.join(bag.topics)}"
            )
        self.topics = {topic: bag.topics[topic] for topic in topics} if topics else inputs
        if not self.topics:
            raise BagError(
                f"{bag.path} holds no inputs to play (record with record_inputs:=true); "
                f"it has {', '.join(bag.topics)}"
            )
        self._bag = bag
        self._rate = rate
        self._stamped = {topic for topic, kind in self.topics.items() if cdr.has_header(kind)}

    def messages(self, start_ns: int) -> Iterator[Due]:
        """Yield one pass, as if its first message were received at `start_ns` in ROS time."""
        origin_ns: int | None = None
        for record in self._bag.messages(self.topics):
            if origin_ns is None:
                origin_ns = record.log_ns
            data = record.data
            if record.topic in self._stamped and (stamp_ns := cdr.stamp_ns(data)):
                shifted_ns = start_ns + round((stamp_ns - origin_ns) / self._rate)
                data = cdr.with_stamp(data, shifted_ns)
            yield Due((record.log_ns - origin_ns) / 1e9 / self._rate, record.topic, data)

    def forever(self, start_ns: int) -> Iterator[Due]:
        """Yield pass after pass without an end."""
        begin_s = 0.0
        while True:
            end_s = begin_s
            for due in self.messages(start_ns + round(begin_s * 1e9)):
                end_s = begin_s + due.at_s
                yield due._replace(at_s=end_s)
            begin_s = end_s + _GAP_S / self._rate


class Audience:
    """Knows when everybody who listens has come, so that nobody misses the beginning.

    That is when an image has a listener (the encoder loads longest) and for a while no other has
    come; where no images are played, any listener will do.
    """

    def __init__(self, topics: Mapping[str, str], settle_s: float) -> None:
        """Wait `settle_s` for one more listener, of topics with their types."""
        images = {topic for topic, msgtype in topics.items() if msgtype in IMAGES}
        self._awaited = images or set(topics)
        self._settle_s = settle_s
        self._counts: Mapping[str, int] = {}
        self._since_s = 0.0

    def is_seated(self, counts: Mapping[str, int], now_s: float) -> bool:
        """Return whether to begin, given the listeners of each topic at a steady time."""
        if counts != self._counts:
            self._counts, self._since_s = dict(counts), now_s
        somebody = any(counts.get(topic, 0) for topic in self._awaited)
        return somebody and now_s - self._since_s >= self._settle_s
