"""The messages that a robot's driver may want, all from one tool velocity."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from geometry_msgs.msg import TwistStamped
from numpy.typing import NDArray
from rclpy.duration import Duration
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from vla_ros.core.errors import ParameterError
from vla_ros.core.kinematics import Arm
from vla_ros.core.time import NS, Now
from vla_ros.ros import qos
from vla_ros.ros.convert import to_stamp

Vector = NDArray[np.float64]

# A trajectory's setpoint runs ahead of the measured position by no more than this [rad].
_LEAD = 0.1


class Output(Protocol):
    """Publishes on `command`."""

    def on_joints(self, message: JointState) -> None:
        """Take the measured joint positions."""

    def publish(self, velocity: Vector, now: Now) -> None:
        """Publish a tool velocity, (6,) [m/s, rad/s] in the base frame."""


class TwistOutput:
    """geometry_msgs/TwistStamped, as MoveIt Servo takes it: stamped at publishing."""

    message = TwistStamped

    def __init__(self, node: Node, frame_id: str, arm: Arm | None) -> None:
        """Publish in the frame of the actions."""
        self._frame_id = frame_id
        self._publisher = node.create_publisher(self.message, "command", qos.COMMAND)

    def on_joints(self, message: JointState) -> None:
        """Ignore them: a twist needs no joints."""

    def publish(self, velocity: Vector, now: Now) -> None:
        """Publish the velocity as it is."""
        command = TwistStamped()
        command.header.stamp = to_stamp(now.ros_ns)
        command.header.frame_id = self._frame_id
        linear, angular = command.twist.linear, command.twist.angular
        linear.x, linear.y, linear.z = map(float, velocity[:3])
        angular.x, angular.y, angular.z = map(float, velocity[3:])
        self._publisher.publish(command)


class _JointOutput:
    """What the two joint outputs share: the arm and its measured positions."""

    message: Any

    def __init__(self, node: Node, frame_id: str, arm: Arm | None) -> None:
        if arm is None:
            raise ParameterError(
                "a joint output needs robot_description: the URDF that turns a tool velocity into "
                "joint velocities"
            )
        self._arm = arm
        self._positions: Vector | None = None
        self._publisher = node.create_publisher(self.message, "command", qos.COMMAND)

    def on_joints(self, message: JointState) -> None:
        """Take the measured joint positions, matched by name."""
        positions = self._arm.positions(message.name, message.position)
        if positions is not None and np.isfinite(positions).all():
            self._positions = positions


class JointVelocityOutput(_JointOutput):
    """std_msgs/Float64MultiArray of joint velocities [rad/s], for ros2_control's controllers."""

    message = Float64MultiArray

    def publish(self, velocity: Vector, now: Now) -> None:
        """Publish the joint velocities that move the tool so; none before the first joint state."""
        if self._positions is not None:
            joints = self._arm.joint_velocity(self._positions, velocity)
            self._publisher.publish(Float64MultiArray(data=[float(value) for value in joints]))


class JointTrajectoryOutput(_JointOutput):
    """trajectory_msgs/JointTrajectory of one point, for ros2_control's trajectory controller."""

    message = JointTrajectory

    def __init__(self, node: Node, frame_id: str, arm: Arm | None) -> None:
        """Start from wherever the arm is."""
        super().__init__(node, frame_id, arm)
        self._setpoint: Vector | None = None
        self._last_ns = 0

    def publish(self, velocity: Vector, now: Now) -> None:
        """Publish where the joints should be one period from now."""
        if self._positions is None:
            return
        dt_s = (now.steady_ns - self._last_ns) / NS if self._setpoint is not None else 0.0
        self._last_ns = now.steady_ns
        start = self._positions if self._setpoint is None else self._setpoint
        joints = self._arm.joint_velocity(start, velocity)
        self._setpoint = np.clip(
            start + joints * dt_s, self._positions - _LEAD, self._positions + _LEAD
        )
        point = JointTrajectoryPoint(
            positions=[float(value) for value in self._setpoint],
            velocities=[float(value) for value in joints],
            time_from_start=Duration(seconds=dt_s).to_msg(),
        )
        self._publisher.publish(JointTrajectory(joint_names=list(self._arm.names), points=[point]))


OUTPUTS: dict[str, Callable[[Node, str, Arm | None], Output]] = {
    "twist": TwistOutput,
    "joint_trajectory": JointTrajectoryOutput,
    "joint_velocity": JointVelocityOutput,
}


def make_output(node: Node, name: str, frame_id: str, arm: Arm | None) -> Output:
    """Return the output that the parameter names."""
    return OUTPUTS[name](node, frame_id, arm)
