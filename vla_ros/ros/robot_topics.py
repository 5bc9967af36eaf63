"""A robot's side of the topics: what it publishes, and the commands that it takes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import cv2
import numpy as np
from geometry_msgs.msg import PoseStamped, TwistStamped
from numpy.typing import NDArray
from rclpy.duration import Duration
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState
from std_msgs.msg import Float64, Float64MultiArray, Header
from trajectory_msgs.msg import JointTrajectory

from vla_ros.core.errors import MessageError, VlaError
from vla_ros.core.time import NS
from vla_ros.msg import SensorSamples
from vla_ros.ros import qos
from vla_ros.ros.convert import floats, octets, to_stamp

Values = NDArray[np.float64]

_JPEG_QUALITY = 90


class RobotOutput:
    """Publishes images, joint states, poses and sensor samples; stamps are times of capture."""

    def __init__(
        self,
        node: Node,
        cameras: Mapping[str, Values],
        joints: Sequence[str],
        frames: tuple[str, str],
        jpeg: bool,
    ) -> None:
        """Take the cameras' names and matrices K (3, 3), and the frames of base and tip."""
        self._matrices = cameras
        self._joint_names = list(joints)
        self._base, self._tip = frames
        self._jpeg = jpeg
        kind, ending = (CompressedImage, "/compressed") if jpeg else (Image, "")
        publish = node.create_publisher
        self._images = {n: publish(kind, f"{n}/image_raw{ending}", qos.IMAGE) for n in cameras}
        self._infos = {n: publish(CameraInfo, f"{n}/camera_info", qos.IMAGE) for n in cameras}
        self.sent = dict.fromkeys(cameras, 0)  # images of each camera
        self._joints = publish(JointState, "joint_states", qos.STATE)
        self._pose = publish(PoseStamped, "ee_pose", qos.STATE)
        self._sensor = publish(SensorSamples, "sensor", qos.SENSOR)

    def state(self, stamp_ns: int, position: Values, velocity: Values, tip: Values) -> None:
        """Publish the joints' positions and velocities, and the tip: xyz and quaternion xyzw."""
        joints = JointState(header=_header(stamp_ns, self._base), name=self._joint_names)
        joints.position, joints.velocity = position.tolist(), velocity.tolist()
        self._joints.publish(joints)
        pose = PoseStamped(header=joints.header)
        place, turn = pose.pose.position, pose.pose.orientation
        place.x, place.y, place.z, turn.x, turn.y, turn.z, turn.w = tip.tolist()
        self._pose.publish(pose)

    def samples(
        self, stamp_ns: int, rate_hz: float, first_index: int, samples: NDArray[np.float32]
    ) -> None:
        """Publish consecutive sensor samples (N, C), the first of which is from `stamp_ns`."""
        message = SensorSamples(
            header=_header(stamp_ns, self._tip),
            rate_hz=rate_hz,
            first_index=first_index,
            channels=samples.shape[1],
            data=floats(samples),
        )
        self._sensor.publish(message)

    def image(self, stamp_ns: int, name: str, image: NDArray[np.uint8]) -> None:
        """Publish an rgb image (H, W, 3) of one camera, and its CameraInfo."""
        header = _header(stamp_ns, name)
        self._images[name].publish(
            _compressed(header, image) if self._jpeg else _raw(header, image)
        )
        self._infos[name].publish(_info(header, image, self._matrices[name]))
        self.sent[name] += 1


class Arm(Protocol):
    """What takes the commands; each of its methods raises VlaError for one that is not sound."""

    def twist(self, twist: Sequence[float]) -> None:
        """Move the tip: linear [m/s] and angular [rad/s] velocity."""

    def joint_velocity(self, velocity: Sequence[float]) -> None:
        """Move the joints [rad/s]."""

    def trajectory(self, times_s: Sequence[float], positions: Sequence[Sequence[float]]) -> None:
        """Move the joints through positions [rad] at times [s] from now."""

    def gripper(self, value: float) -> None:
        """0 open .. 1 closed."""

    def hold(self) -> None:
        """Stop."""


class RobotInput:
    """Hands the messages of `command` and `gripper_command` to an arm; counts the refused."""

    def __init__(
        self, node: Node, command_type: str, arm: Arm, joints: Sequence[str], base: str
    ) -> None:
        """Subscribe; `command_type` is one of COMMAND_TYPES, `joints` the arm's order."""
        self._node, self._arm, self._joints, self._base = node, arm, list(joints), base
        self.refused = 0
        take = {
            "twist": self._twist,
            "joint_trajectory": self._trajectory,
            "joint_velocity": self._velocity,
        }[command_type]
        self._subscribe(COMMAND_TYPES[command_type], "command", take)
        self._subscribe(Float64, "gripper_command", lambda message: arm.gripper(message.data))

    def _subscribe(self, kind: type, topic: str, take: Callable[[Any], None]) -> None:
        def receive(message: Any) -> None:
            try:
                take(message)
            except VlaError as error:
                self._arm.hold()
                self.refused += 1
                self._node.get_logger().warning(f"refused: {error}", throttle_duration_sec=5.0)

        self._node.create_subscription(kind, topic, receive, qos.COMMAND)

    def _twist(self, message: TwistStamped) -> None:
        if message.header.frame_id not in ("", self._base):
            raise MessageError(f"a twist in {message.header.frame_id!r}; {self._base!r} is allowed")
        linear, angular = message.twist.linear, message.twist.angular
        self._arm.twist([linear.x, linear.y, linear.z, angular.x, angular.y, angular.z])

    def _velocity(self, message: Float64MultiArray) -> None:
        self._arm.joint_velocity(message.data)

    def _trajectory(self, message: JointTrajectory) -> None:
        names = list(message.joint_names)
        sizes = {len(point.positions) for point in message.points}
        if sorted(names) != sorted(self._joints) or sizes != {len(names)}:
            raise MessageError(
                f"a trajectory of {names} with points of {sorted(sizes)} positions; "
                f"at least one point of {self._joints} is allowed"
            )
        order = [names.index(joint) for joint in self._joints]
        times = [Duration.from_msg(p.time_from_start).nanoseconds / NS for p in message.points]
        self._arm.trajectory(times, [[p.positions[i] for i in order] for p in message.points])


COMMAND_TYPES = {
    "twist": TwistStamped,
    "joint_trajectory": JointTrajectory,
    "joint_velocity": Float64MultiArray,
}


def _header(stamp_ns: int, frame_id: str) -> Header:
    return Header(stamp=to_stamp(stamp_ns), frame_id=frame_id)


def _raw(header: Header, image: NDArray[np.uint8]) -> Image:
    height, width, _ = image.shape
    pixels = octets(image)
    return Image(
        header=header, height=height, width=width, encoding="rgb8", step=3 * width, data=pixels
    )


def _compressed(header: Header, image: NDArray[np.uint8]) -> CompressedImage:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return CompressedImage(header=header, format="rgb8; jpeg compressed bgr8", data=octets(encoded))


def _info(header: Header, image: NDArray[np.uint8], matrix: Values) -> CameraInfo:
    height, width, _ = image.shape
    return CameraInfo(
        header=header,
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=matrix.flatten(),
        r=np.eye(3).flatten(),
        p=np.pad(matrix, ((0, 0), (0, 1))).flatten(),
    )
