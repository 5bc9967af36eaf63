"""The embedded robot: MuJoCo physics, five cameras and a depth sensor, as a lab's drivers are."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

from vla_ros.core.safety import Mode
from vla_ros.ros.params import declare, param
from vla_ros.ros.process import raise_priority
from vla_ros.ros.reporting import STEADY, Reporter
from vla_ros.ros.robot_topics import COMMAND_TYPES, RobotInput, RobotOutput
from vla_ros.ros.spin import run
from vla_ros.sim.cameras import Cameras, intrinsics
from vla_ros.sim.pace import RosTime
from vla_ros.sim.simulation import Captured, Simulation, State
from vla_ros.sim.threads import CameraWorker, Physics
from vla_ros.sim.world import ARM_JOINTS, BASE_FRAME, CAMERAS, JOINTS, TIP, load


@dataclass(frozen=True)
class SimParams:
    """Parameters of the sim node."""

    views: int = param(5, "cameras, from camera_1 on; camera_5 is on the wrist", low=1, high=5)
    camera_rate_hz: float = param(10.0, "images a second of each camera", low=0.1, high=60.0)
    width: int = param(640, "of the images [pixel]", low=16, high=3840)
    height: int = param(360, "of the images [pixel]", low=16, high=2160)
    jpeg: bool = param(False, "publish compressed images instead of raw ones")
    state_rate_hz: float = param(100.0, "joint states and poses a second", low=60.0, high=1000.0)
    sensor_rate_hz: float = param(650.0, "depth lines a second", low=10.0, high=2000.0)
    sensor_batch: int = param(13, "depth lines a message", low=1, high=1000)
    seed: int = param(0, "places the phantom; 0: nominal", low=0, high=2**31 - 1)
    command_type: str = param("twist", "message of `command`", choices=tuple(COMMAND_TYPES))
    command_timeout_s: float = param(0.2, "velocities this old stop", low=0.01, high=10.0)
    realtime_priority: int = param(10, "SCHED_FIFO level of physics; 0: none", low=0, high=99)


class SimNode(Node):
    """Publishes what the simulated robot captures, and moves it as it is told."""

    def __init__(self) -> None:
        """Start physics and cameras, each in a thread of its own."""
        super().__init__("sim")
        self._params = params = declare(self, SimParams)
        self._simulation = simulation = Simulation(
            sensor_rate_hz=params.sensor_rate_hz,
            sensor_batch=params.sensor_batch,
            state_rate_hz=params.state_rate_hz,
            command_timeout_s=params.command_timeout_s,
            seed=params.seed,
        )
        views, size = CAMERAS[: params.views], (params.width, params.height)
        model = load(simulation.physics_rate_hz, params.seed)  # the renderer's own
        matrices = {name: intrinsics(model, name, *size) for name in views}
        self._output = RobotOutput(self, matrices, JOINTS, (BASE_FRAME, TIP), params.jpeg)
        arm = simulation.robot
        self._input = RobotInput(self, params.command_type, arm, ARM_JOINTS, BASE_FRAME)
        self._ros_time = RosTime(time.monotonic_ns, lambda: self.get_clock().now().nanoseconds)
        self._frame = -1
        self._overruns = 0
        urgent = partial(raise_priority, self, params.realtime_priority)
        self._physics = Physics(simulation, self._on_captured, urgent)
        self._cameras = CameraWorker(lambda: Cameras(model, *size), views, self._on_image)
        self._reporter = Reporter(self, self._values)
        self.create_timer(1.0, self._watch, clock=STEADY)
        self._cameras.start()
        self._physics.start()

    def close(self) -> None:
        """End both threads."""
        self._physics.close()
        self._cameras.close()

    def _on_captured(self, captured: Captured) -> None:
        out, rate_hz = self._output, self._params.sensor_rate_hz
        for batch in captured.batches:
            out.samples(self._stamp_ns(batch.step), rate_hz, batch.first_index, batch.samples)
        for state in captured.states:
            out.state(self._stamp_ns(state.step), state.position, state.velocity, state.tip)
            frame = int(state.step * self._params.camera_rate_hz / self._simulation.physics_rate_hz)
            if frame > self._frame:
                self._frame = frame
                self._cameras.offer(state)

    def _on_image(self, state: State, name: str, image: NDArray[np.uint8]) -> None:
        self._output.image(self._stamp_ns(state.step), name, image)

    def _stamp_ns(self, step: int) -> int:
        return self._ros_time.of(self._physics.pacer.time_ns(step))

    def check(self) -> None:
        """Raise what a thread failed with."""
        self._physics.check()
        self._cameras.check()

    def _watch(self) -> None:
        """Tell when physics falls behind."""
        before, self._overruns = self._overruns, self._physics.pacer.overruns
        if self._overruns == before:
            self._reporter.set_mode(Mode.RUNNING, "in real time")
        else:
            self._reporter.set_mode(Mode.SLOWED, "physics fell behind the clock; time was skipped")

    def _values(self) -> Mapping[str, Any]:
        pacer = self._physics.pacer
        return {
            "overruns": pacer.overruns,
            "skipped_s": pacer.skipped / pacer.rate_hz,
            "missed_image_sets": self._cameras.missed,
            "refused_commands": self._input.refused,
            **{f"{name}.sent": count for name, count in self._output.sent.items()},
        }


def main() -> int:
    """Run the node."""
    return run(SimNode)
