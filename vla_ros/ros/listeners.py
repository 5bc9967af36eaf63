"""Subscriptions of what a policy looks at, feels and knows about its robot."""

from collections.abc import Callable, Sequence
from typing import Any

import message_filters
from geometry_msgs.msg import PoseStamped, WrenchStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image, JointState

from vla_ros.core.errors import MessageError
from vla_ros.core.inputs import PolicyInputs
from vla_ros.core.sample_count import SampleCount
from vla_ros.core.time import Seen
from vla_ros.msg import SensorSamples
from vla_ros.ros import qos
from vla_ros.ros.convert import now, pose_row, sensor_block, to_ns

SENSOR_TYPES = {"samples": SensorSamples, "wrench": WrenchStamped}


class Listener:
    """Subscribes on behalf of a node; a bad message is refused, counted and logged once.

    What it should have brought grows old meanwhile, and old inputs hold the robot.
    """

    def __init__(self, node: Node) -> None:
        """Listen to nothing yet."""
        self._node = node
        self._last_refusal: dict[str, str] = {}
        self.refused = 0
        self.sensor = SampleCount()

    def listen(
        self, kind: Any, topic: str, take: Callable[[Any, Seen], None], profile: QoSProfile
    ) -> message_filters.Subscriber:
        """Call `take` with each message and when it was captured; it may raise MessageError."""

        def guarded(message: Any) -> None:
            seen = Seen(to_ns(message.header.stamp), now(self._node).steady_ns)
            try:
                take(message, seen)
            except MessageError as error:
                self._refuse(topic, str(error))

        subscriber = message_filters.Subscriber(self._node, kind, topic, qos_profile=profile)
        subscriber.registerCallback(guarded)
        return subscriber

    def listen_to_cameras(
        self,
        views: Sequence[str],
        topics: Sequence[str],
        put: Callable[[str, Seen, Image | CompressedImage], None],
    ) -> None:
        """Call `put` with each image by reference; /compressed topics are CompressedImage."""

        def into(view: str) -> Callable[[Any, Seen], None]:
            return lambda message, seen: put(view, seen, message)

        for view, topic in zip(views, topics, strict=True):
            kind = CompressedImage if topic.endswith("/compressed") else Image
            self.listen(kind, topic, into(view), qos.IMAGE)

    def listen_to_robot(
        self, inputs: PolicyInputs, names: Sequence[str], sensor_type: str = "samples"
    ) -> None:
        """Feed the streams in `names` (sensor, robot_states) into `inputs`."""

        def sensor(message: Any, seen: Seen) -> None:
            block, first_ns, period_ns = sensor_block(message)
            self.sensor.add(len(block), getattr(message, "first_index", None))
            inputs.put_sensor(block, first_ns, period_ns, seen.arrived_ns)

        def joints(message: JointState, seen: Seen) -> None:
            inputs.put_joints(dict(zip(message.name, message.position, strict=False)), seen)

        def pose(message: PoseStamped, seen: Seen) -> None:
            inputs.put_pose(pose_row(message), seen)

        if "sensor" in names:
            self.listen(SENSOR_TYPES[sensor_type], "sensor", sensor, qos.SENSOR)
        if "robot_states" in names:
            self.listen(PoseStamped, "ee_pose", pose, qos.STATE)
            self.listen(JointState, "joint_states", joints, qos.STATE)

    def _refuse(self, topic: str, reason: str) -> None:
        self.refused += 1
        if self._last_refusal.get(topic) != reason:
            self._node.get_logger().error(f"{topic}: {reason}")
        self._last_refusal[topic] = reason
