"""Plays the inputs in a bag in real time, in the place of cameras, sensor and robot."""

import gc
import threading
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any

from rclpy.node import Node

from vla_ros.core.latency import stats
from vla_ros.core.safety import Mode
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.playback import INSTRUCTION, Audience, Playback, cameras
from vla_ros.data.run_log import BAG_OVER
from vla_ros.ros import qos
from vla_ros.ros.params import declare, param
from vla_ros.ros.process import raise_priority
from vla_ros.ros.reporting import Reporter
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
    duration_s: float = param(
        0.0, "play for so long, again from the beginning if need be; 0: once", low=0.0, high=1e6
    )
    camera_rate_hz: float = param(
        0.0, "images a second of each camera, evenly; 0: as recorded", low=0.0, high=1000.0
    )
    awaited: tuple[str, ...] = param(
        (), "begin when each of these has a listener; empty: when an image has"
    )
    settle_s: float = param(2.0, "and when no other listener came for so long", low=0.0, high=60.0)
    realtime_priority: int = param(10, "SCHED_FIFO level of playing; 0: none", low=0, high=99)


class BagSource(Node):
    """Publishes a bag's messages at their recorded distances, stamped for now.

    Its diagnostics tell the achieved schedule: how late the messages were, and what was sent.
    """

    def __init__(self) -> None:
        """Load the bag and offer its topics; a thread plays them once they are listened to."""
        super().__init__("bag_source")
        self._params = declare(self, BagSourceParams)
        self._playback = self._load()
        # Without the leading slash, so that a namespace and remappings apply.
        self._publishers_of = {
            topic: self.create_publisher(
                _type(kind), topic.lstrip("/"), _PROFILES.get(kind, qos.IMAGE)
            )
            for topic, kind in self._playback.topics.items()
        }
        self._sent: Counter[str] = Counter()
        self._lags_ms = array("d")
        self._reporter = Reporter(self, self._values)
        # The messages in memory stay until the end: no collection looks at them again.
        gc.freeze()
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="playback", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop playing."""
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        """Raise what the thread failed with; end when everything is played."""
        if self._error is not None:
            raise self._error
        if not self._thread.is_alive():
            self._reporter.set_mode(Mode.RUNNING, BAG_OVER)  # tells the whole schedule
            raise SystemExit(0)

    def _load(self) -> Playback:
        params, began_s = self._params, monotonic()
        with BagReader(Path(params.bag)) as bag:
            playback = Playback(bag, params.topics, params.rate, params.camera_rate_hz)
            if bag.note:
                note = f"{params.bag} is played as far as it goes: {bag.note}"
                self.get_logger().warning(note)
        self.get_logger().info(
            f"{params.bag}: {playback.megabytes:.0f} MB in memory, {playback.duration_s:.1f} s, "
            f"loaded in {monotonic() - began_s:.1f} s"
        )
        return playback

    def _run(self) -> None:
        try:
            raise_priority(self, self._params.realtime_priority)
            if self._wait_for_listeners():
                self._play()
        except Exception as error:  # the main thread raises it
            self._error = error

    def _play(self) -> None:
        """Publish everything when it is due."""
        start_ns, start_s = self.get_clock().now().nanoseconds, monotonic()
        seconds, playback = self._params.duration_s, self._playback
        endless = self._params.loop and not seconds
        messages = playback.forever(start_ns) if endless else playback.messages(start_ns, seconds)
        for due in messages:
            if self._stop.wait(max(start_s + due.at_s - monotonic(), 0.0)):
                return
            self._publishers_of[due.topic].publish(due.data)
            self._sent[due.topic] += 1
            self._lags_ms.append((monotonic() - start_s - due.at_s) * 1e3)

    def _wait_for_listeners(self) -> bool:
        audience = Audience(self._playback.topics, self._params.settle_s, self._params.awaited)
        self._reporter.set_mode(Mode.WAITING, "until everybody listens")
        while not (audience.is_seated(self._listeners(), monotonic()) and self._is_matched()):
            if self._stop.wait(_LOOK_S):
                return False
        self._reporter.set_mode(Mode.RUNNING, f"plays {', '.join(self._publishers_of)}")
        return True

    def _listeners(self) -> dict[str, int]:
        """Return how many listen to each topic, beside the profiler, which only records."""
        counts = {}
        for topic, publisher in self._publishers_of.items():
            listeners = self.get_subscriptions_info_by_topic(publisher.topic_name)
            counts[topic] = sum(one.node_name != "profiler" for one in listeners)
        return counts

    def _is_matched(self) -> bool:
        """Return whether everybody who has announced a subscription is connected."""
        return all(
            publisher.get_subscription_count()
            >= len(self.get_subscriptions_info_by_topic(publisher.topic_name))
            for publisher in self._publishers_of.values()
        )

    def _values(self) -> Mapping[str, Any]:
        """Return the achieved schedule."""
        lag = stats(self._lags_ms[:])  # a copy: an array that is looked at cannot grow
        topics = self._playback.topics
        views = {name: self._sent[topic] for name, topic in cameras(topics).items()}
        sensor = sum(self._sent[topic] for topic in topics if topic.endswith("sensor"))
        return {
            "lag_p50_ms": f"{lag.p50:.3f}",
            "lag_p99_ms": f"{lag.p99:.3f}",
            "lag_max_ms": f"{lag.max:.3f}",
            **{f"{view}.sent": sent for view, sent in views.items()},
            "sensor.sent": sensor,
            "messages": self._sent.total(),
        }


def _type(msgtype: str) -> type:
    package, _, name = msgtype.split("/")
    kind: type = getattr(import_module(f"{package}.msg"), name)
    return kind


def main() -> int:
    """Run the bag source."""
    return run(BagSource)
