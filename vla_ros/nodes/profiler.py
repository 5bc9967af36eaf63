"""Only listens: records the run into a bag, shows it live, and reports it at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from time import monotonic

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo

from vla_ros.core.errors import BagError
from vla_ros.data.bag_images import QUALITY
from vla_ros.data.bag_metadata import Qos
from vla_ros.data.bag_writer import SPLIT_BYTES
from vla_ros.data.recorder import JPEG, RAW, Recorder
from vla_ros.report.live_table import LiveTable
from vla_ros.report.run_report import finish
from vla_ros.ros.params import declare, param
from vla_ros.ros.process import lower_priority
from vla_ros.ros.spin import run

OUTPUTS = ("features", "action_chunk", "command", "gripper_command", "latency", "diagnostics")
INPUTS = ("instruction", "sensor", "joint_states", "ee_pose")
CAMERAS = tuple(f"camera_{number}/image_raw" for number in range(1, 6))
# A new publisher is looked for this often; until then its messages are not recorded.
_LOOK_S = 0.2
_DEPTH, _IMAGE_DEPTH = 256, 8


@dataclass(frozen=True)
class ProfilerParams:
    """Parameters of the profiler."""

    output_dir: str = param("output", "where bag/, summary.json and the pictures go")
    record_inputs: bool = param(False, "also record images, sensor, robot states, instruction")
    camera_topics: tuple[str, ...] = param(CAMERAS, "image topics, for record_inputs")
    image_format: str = param(
        RAW, "how raw images are recorded; jpeg: on <topic>/compressed", choices=(RAW, JPEG)
    )
    jpeg_quality: int = param(QUALITY, "of recorded JPEGs", low=1, high=100)
    configuration: str = param("", "JSON of what the run was started with, kept in the bag")
    split_bytes: int = param(
        SPLIT_BYTES, "a bag file that grows past this is closed", low=2**20, high=2**40
    )
    live_table: bool = param(True, "print one line a second")
    nice: int = param(10, "how much this process yields to the others", low=0, high=19)


class Profiler(Node):
    """Subscribes to what there is, with the type and the reliability that its publisher has."""

    def __init__(self) -> None:
        """Start the bag; topics are found as their publishers appear."""
        super().__init__("profiler")
        params = declare(self, ProfilerParams)
        lower_priority(params.nice)
        self._folder = Path(params.output_dir)
        self._recorder = Recorder(
            self._folder,
            split_bytes=params.split_bytes,
            configuration=params.configuration,
            image_format=params.image_format,
            jpeg_quality=params.jpeg_quality,
        )
        self._table = LiveTable(self._recorder.log) if params.live_table else None
        self._start_s, self._warned = monotonic(), False
        inputs = (*INPUTS, *_camera_topics(params.camera_topics)) if params.record_inputs else ()
        self._wanted = [self.resolve_topic_name(name) for name in (*OUTPUTS, *inputs)]
        self._usage_topic = self.resolve_topic_name("~/processes")
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_LOOK_S, self._look, clock=steady)
        self.create_timer(1.0, self._every_second, clock=steady)

    def close(self) -> None:
        """Close the bag and write the report."""
        print(finish(self._recorder, self._folder), flush=True)

    def _look(self) -> None:
        for topic in list(self._wanted):
            if publishers := self.get_publishers_info_by_topic(topic):
                self._wanted.remove(topic)
                self._listen(topic, publishers)

    def _listen(self, topic: str, publishers: Sequence[TopicEndpointInfo]) -> None:
        msgtype = publishers[0].topic_type
        offers = [publisher.qos_profile for publisher in publishers]
        reliable = all(offer.reliability == ReliabilityPolicy.RELIABLE for offer in offers)
        latched = all(offer.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in offers)
        try:
            self._recorder.add_topic(topic, msgtype, Qos(reliable, latched))
            package, _, name = msgtype.split("/")
            kind = getattr(import_module(f"{package}.msg"), name)
        except (BagError, ImportError, AttributeError) as error:
            self.get_logger().warning(f"{topic} is not recorded: {error}")
            return
        profile = QoSProfile(
            depth=_IMAGE_DEPTH if name.endswith("Image") else _DEPTH,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        receive = partial(self._receive, topic, msgtype)
        self.create_subscription(kind, topic, receive, profile, raw=True)

    def _receive(self, topic: str, msgtype: str, data: bytes) -> None:
        # No second argument for the middleware's time of receipt: rclpy 7.1's EventsExecutor fails
        # on callbacks that take one (SystemError).
        self._recorder.receive(topic, msgtype, data, self.get_clock().now().nanoseconds)

    def _every_second(self) -> None:
        bag = self._recorder.bag
        self._recorder.sample(self._usage_topic, self.get_clock().now().nanoseconds)
        if self._table is not None:
            elapsed_s = monotonic() - self._start_s
            for line in self._table.lines(elapsed_s, bag.bytes / 1e6, bag.dropped):
                print(line, flush=True)
        if bag.error and not self._warned:
            self._warned = True
            self.get_logger().warning(f"recording has stopped, listening goes on: {bag.error}")


def _camera_topics(topics: Sequence[str]) -> list[str]:
    """Return the image topics and the camera_info topics beside them."""
    parts = [topic.removesuffix("/compressed").rpartition("/") for topic in topics]
    return [*topics, *(f"{base}{slash}camera_info" for base, slash, _ in parts)]


def main() -> int:
    """Run the profiler."""
    return run(Profiler)
