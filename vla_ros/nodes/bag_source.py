"""Plays the inputs in a bag in real time, in the place of cameras, sensor and robot."""

import threading
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import monotonic

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from vla_ros.core.errors import BagError
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.playback import INSTRUCTION, Audience, Playback
from vla_ros.ros import qos
from vla_ros.ros.params import declare, param
from vla_ros.ros.spin import run

_PROFILES = {
    INSTRUCTION: qos.LATCHED,
    "vla_ros/msg/SensorSamples": qos.SENSOR,
    "geometry_msgs/msg/WrenchStamped": qos.SENSOR,
    "sensor_msgs/msg/JointState": qos.STATE,
    "geometry_msgs/msg/PoseStamped": qos.STATE,
}
_LOOK_S = 0.1


@dataclass(frozen=True)
class BagSourceParams:
    """Parameters of the bag source."""

    bag: str = param("", "the bag to play: a directory or a file")
    topics: tuple[str, ...] = param((), "only these topics; empty: every input in the bag")
    rate: float = param(1.0, "2.0 plays twice as fast", low=0.01, high=100.0)
    loop: bool = param(False, "begin again at the end, with new stamps")
    settle_s: float = param(2.0, "begin when no listener came for so long", low=0.0, high=60.0)


class BagSource(Node):
    """Publishes a bag's messages at their recorded distances, stamped for now."""

    def __init__(self) -> None:
        """Open the bag and offer its topics; a thread plays them once they are listened to."""
        super().__init__("bag_source")
        self._params = params = declare(self, BagSourceParams)
        self._bag = BagReader(Path(params.bag))
        if self._bag.note:
            self.get_logger().warning(f"{params.bag} is played as far as it goes: {self._bag.note}")
        self._playback = Playback(self._bag, params.topics, params.rate)
        # Without the leading slash, so that a namespace and remappings apply.
        self._publishers_of = {
            topic: self.create_publisher(
                _load(kind), topic.lstrip("/"), _PROFILES.get(kind, qos.IMAGE)
            )
            for topic, kind in self._playback.topics.items()
        }
        self._stop = threading.Event()
        self._error: BagError | None = None
        self._thread = threading.Thread(target=self._play, name="playback", daemon=True)
        self._thread.start()
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_LOOK_S, self._watch, clock=steady)

    def close(self) -> None:
        """Stop playing."""
        self._stop.set()
        self._thread.join()
        self._bag.__exit__()

    def _watch(self) -> None:
        if self._error is not None:
            raise self._error
        if not self._thread.is_alive():
            raise SystemExit(0)

    def _play(self) -> None:
        """Publish everything when it is due; a damaged bag is told to the main thread."""
        if not self._wait_for_listeners():
            return
        start_ns, start_s = self.get_clock().now().nanoseconds, monotonic()
        play = self._playback.forever if self._params.loop else self._playback.messages
        try:
            for due in play(start_ns):
                if self._stop.wait(max(start_s + due.at_s - monotonic(), 0.0)):
                    return
                self._publishers_of[due.topic].publish(due.data)
        except BagError as error:
            self._error = error

    def _wait_for_listeners(self) -> bool:
        audience = Audience(self._playback.topics, self._params.settle_s)
        self.get_logger().info(f"{self._params.bag} waits until its images are listened to")
        while not audience.is_seated(self._listeners(), monotonic()):
            if self._stop.wait(_LOOK_S):
                return False
        self.get_logger().info(f"plays {', '.join(self._publishers_of)}")
        return True

    def _listeners(self) -> dict[str, int]:
        """Return how many listen to each topic, beside the profiler, which only records."""
        counts = {}
        for topic, publisher in self._publishers_of.items():
            listeners = self.get_subscriptions_info_by_topic(publisher.topic_name)
            counts[topic] = sum(one.node_name != "profiler" for one in listeners)
        return counts


def _load(msgtype: str) -> type:
    package, _, name = msgtype.split("/")
    kind: type = getattr(import_module(f"{package}.msg"), name)
    return kind


def main() -> int:
    """Run the bag source."""
    return run(BagSource)
