"""The only node that moves anything: plays chunks, limits them, holds. It imports no torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64

from vla_ros.core.chunks import MOTION, Chunk
from vla_ros.core.controller import Ages, Command, CommandController
from vla_ros.core.kinematics import Arm, read_urdf
from vla_ros.core.latency import Stage
from vla_ros.core.safety import Mode, MotionLimits
from vla_ros.core.time import NS, JumpDetector, Now, Seen
from vla_ros.msg import ActionChunk
from vla_ros.ros import qos
from vla_ros.ros.age_params import AgeParams
from vla_ros.ros.command_output import OUTPUTS, make_output
from vla_ros.ros.convert import now, to_ns
from vla_ros.ros.params import declare, param
from vla_ros.ros.process import raise_priority
from vla_ros.ros.reporting import STEADY, Reporter
from vla_ros.ros.spin import run


@dataclass(frozen=True)
class CommandParams(AgeParams):
    """Parameters of the command node."""

    output: str = param("twist", "message of the command topic", choices=tuple(OUTPUTS))
    rate_hz: float = param(50.0, "commands a second", low=1.0, high=1000.0)
    frame_id: str = param("base_link", "frame of the twist; the chunks' frame must be the same")
    robot_description: str = param("", "URDF of the arm, text or file; joint outputs need it")
    tip_link: str = param("", "link of the URDF that the actions move; empty: its end")
    max_linear: float = param(0.10, "tool speed [m/s]", low=0.0, high=5.0)
    max_angular: float = param(1.0, "tool speed [rad/s]", low=0.0, high=20.0)
    max_linear_acceleration: float = param(1.0, "[m/s^2]", low=0.01, high=50.0)
    max_angular_acceleration: float = param(10.0, "[rad/s^2]", low=0.01, high=500.0)
    workspace_low: tuple[float, ...] = param(
        (-0.5, -0.5, 0.0), "lowest x, y, z of the tool [m]", low=-100.0, high=100.0
    )
    workspace_high: tuple[float, ...] = param(
        (0.5, 0.5, 0.6), "highest x, y, z of the tool [m]", low=-100.0, high=100.0
    )
    chunk_timeout_s: float = param(0.2, "a chunk this old holds it", low=0.01, high=60.0)
    realtime_priority: int = param(20, "SCHED_FIFO level; 0: none", low=0, high=99)


class CommandNode(Node):
    """Turns chunks into commands at a steady rate."""

    def __init__(self) -> None:
        """Prepare the output; nothing is published before the first sound chunk."""
        super().__init__("command")
        self._params = params = declare(self, CommandParams)
        self._controller = CommandController(
            params.age_limits(), _motion(params), params.chunk_timeout_s
        )
        urdf, tip = params.robot_description, params.tip_link
        arm = Arm.from_urdf(read_urdf(urdf), tip) if urdf else None
        self._output = make_output(self, params.output, params.frame_id, arm)
        self._gripper = self.create_publisher(Float64, "gripper_command", qos.COMMAND)
        self._reporter = Reporter(self, self._values)
        self._jump = JumpDetector()
        self._position: tuple[Seen, np.ndarray] | None = None
        self._unplayed: tuple[str, int, Ages] | None = None  # of the newest chunk
        self._commands = self._chunks = self._played = 0
        self.create_subscription(ActionChunk, "action_chunk", self._on_chunk, qos.CHUNK)
        self.create_subscription(PoseStamped, "ee_pose", self._on_pose, qos.STATE)
        self.create_subscription(JointState, "joint_states", self._output.on_joints, qos.STATE)
        self.create_timer(1.0 / params.rate_hz, self._tick, clock=STEADY)
        raise_priority(self, params.realtime_priority)

    def close(self) -> None:
        """Leave the robot at rest."""
        if self._commands:
            self._output.publish(np.zeros(6), now(self))

    def _on_chunk(self, message: ActionChunk) -> None:
        moment = now(self)
        self._chunks += 1
        seen = Seen(to_ns(message.header.stamp), moment.steady_ns)
        fault = self._fault(message)
        if fault:
            self._controller.reject(fault)
            return
        actions = np.array(message.data, np.float32).reshape(message.horizon, message.dim)
        chunk = Chunk(seen.captured_steady_ns(moment), message.dt_s, actions)
        ages = Ages(message.features_age_s, message.sensor_age_s, message.state_age_s)
        held = message.mode == Mode.HOLD
        self._controller.accept(chunk, ages, "the action node asks for a hold" if held else "")
        trace_id = f"{message.features_session}:{message.features_sequence}/{message.tick}"
        self._unplayed = (trace_id, chunk.start_ns, ages)

    def _fault(self, message: ActionChunk) -> str:
        """Say what is wrong with a chunk's form, nothing if it can be played."""
        frame, size = message.header.frame_id, message.horizon * message.dim
        if frame != self._params.frame_id:
            return f"chunks are in frame {frame!r}, commands in {self._params.frame_id!r}"
        if not size or len(message.data) != size or message.dim < MOTION.stop:
            return f"a chunk of {len(message.data)} values, {message.horizon} x {message.dim}"
        if not (message.dt_s > 0 and math.isfinite(message.dt_s + message.features_age_s)):
            return f"a chunk of dt_s {message.dt_s} and features_age_s {message.features_age_s}"
        return ""

    def _on_pose(self, message: PoseStamped) -> None:
        position = message.pose.position
        place = np.array([position.x, position.y, position.z])
        if np.isfinite(place).all():  # one that is not says nothing: the last one grows old
            seen = Seen(to_ns(message.header.stamp), now(self).steady_ns)
            self._position = (seen, place)

    def _tick(self) -> None:
        moment = now(self)
        if self._jump.jumped(moment):
            self._controller.reject("the ROS clock was set")
        command = self._controller.step(moment.steady_ns, self._fresh_position(moment))
        if command is None:
            return
        self._reporter.set_mode(command.verdict.mode, command.verdict.reason)
        self._publish(command, moment)
        if command.verdict.scale > 0.0 and self._unplayed is not None:
            self._report_latency(*self._unplayed, moment)

    def _publish(self, command: Command, moment: Now) -> None:
        self._output.publish(command.velocity, moment)
        if command.gripper is not None:
            self._gripper.publish(Float64(data=command.gripper))
        self._commands += 1

    def _report_latency(self, trace_id: str, start_ns: int, ages: Ages, moment: Now) -> None:
        """Report the way from the capture of its inputs to a chunk's first command."""
        self._unplayed = None
        self._played += 1
        published_ns = now(self).steady_ns
        inputs = {"camera_to_command": ages.features_s, "sensor_to_command": ages.sensor_s}
        captured = {name: start_ns - int(s * NS) for name, s in inputs.items() if math.isfinite(s)}
        stages = [Stage(name, at_ns, published_ns - at_ns) for name, at_ns in captured.items()]
        self._reporter.latency(trace_id, self._played, moment, stages)

    def _fresh_position(self, moment: Now) -> np.ndarray | None:
        if self._position is None:
            return None
        seen, position = self._position
        return position if seen.age_s(moment) <= self._params.state_timeout_s else None

    def _values(self) -> Mapping[str, Any]:
        return {
            "rate_hz": self._params.rate_hz,
            "features_soft_s": self._params.features_soft_s,
            "commands": self._commands,
            "chunks": self._chunks,
            "played": self._played,
        }


def _motion(params: CommandParams) -> MotionLimits:
    return MotionLimits(
        params.max_linear,
        params.max_angular,
        params.max_linear_acceleration,
        params.max_angular_acceleration,
        params.workspace_low,
        params.workspace_high,
    )


def main() -> int:
    """Run the command node."""
    return run(CommandNode)
