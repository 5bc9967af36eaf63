"""The robot and its sensors on one exact time grid; no clock and no thread."""

from dataclasses import dataclass, field
from math import ceil

import mujoco
import numpy as np
from numpy.typing import NDArray

from vla_ros.sim.robot import Robot
from vla_ros.sim.sensor import Sensor
from vla_ros.sim.world import JOINTS, TIP, load

# Contacts and servos want steps of a millisecond or less.
_SLOWEST_PHYSICS_HZ = 1000.0


@dataclass(frozen=True, slots=True)
class State:
    """What the robot's encoders say at one moment."""

    step: int  # number of the physics step
    position: NDArray[np.float64]  # (7,) [rad], the clamp [m]
    velocity: NDArray[np.float64]  # (7,) [rad/s], the clamp [m/s]
    tip: NDArray[np.float64]  # (7,) position [m] and quaternion xyzw of the tip, base frame


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive samples of the sensor."""

    step: int  # number of the physics step of the first sample
    first_index: int  # number of the first sample since the start
    samples: NDArray[np.float32]  # (N, 1026)


@dataclass(slots=True)
class Captured:
    """What one call of `advance` brought, oldest first."""

    states: list[State] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)


class Simulation:
    """Steps of 1 / `physics_rate_hz`; a sample every `steps_per_sample`, states in between.

    With the same seed and the same commands before the same steps, all of it is the same, bit
    for bit.
    """

    def __init__(
        self,
        *,
        sensor_rate_hz: float = 650.0,
        sensor_batch: int = 13,
        state_rate_hz: float = 100.0,
        command_timeout_s: float = 0.2,
        seed: int = 0,
    ) -> None:
        """Put everything at its start."""
        self.steps_per_sample = ceil(_SLOWEST_PHYSICS_HZ / sensor_rate_hz)
        self.physics_rate_hz = sensor_rate_hz * self.steps_per_sample
        self.steps_per_state = max(1, int(self.physics_rate_hz / state_rate_hz))
        self.model = load(self.physics_rate_hz, seed)
        self.robot = Robot(self.model, 1.0 / sensor_rate_hz, command_timeout_s)
        self.step = 0
        self._data = self.robot.data
        self._sensor = Sensor(self.model, self._data)
        self._state_rate_hz = state_rate_hz
        self._states = 0
        self._tip = self.model.site(TIP).id
        self._places = np.empty((sensor_batch, 6))
        self._forces = np.empty(sensor_batch)
        self._filled = 0
        self._batch_step = 0

    def advance(self, steps: int) -> Captured:
        """Run `steps` physics steps and return what was captured in them."""
        captured = Captured()
        for _ in range(steps):
            self._one_step(captured)
        return captured

    def skip(self, steps: int) -> Captured:
        """Let `steps` steps of time pass with physics frozen and nothing captured.

        Returns the samples that were waiting for their batch to fill.
        """
        captured = Captured()
        self._flush(captured)
        self.step += steps
        return captured

    def _one_step(self, captured: Captured) -> None:
        mujoco.mj_step1(self.model, self._data)
        # A state belongs to the first step at or after its time: number n is due at n / rate.
        passed = self.step * self._state_rate_hz / self.physics_rate_hz
        if passed >= self._states:
            self._states = int(passed) + 1
            captured.states.append(self._state())
        sampled = self.step % self.steps_per_sample == 0
        if sampled:
            self.robot.control(self.step / self.physics_rate_hz)
        mujoco.mj_step2(self.model, self._data)
        # The second half of the step solves the contacts and moves the joints, not the bodies:
        # the tip is still where it was when the force arose.
        if sampled:
            if not self._filled:
                self._batch_step = self.step
            self._places[self._filled] = self._sensor.place()
            self._forces[self._filled] = self._sensor.force()
            self._filled += 1
        if self._filled == len(self._places):
            self._flush(captured)
        self.step += 1

    def _flush(self, captured: Captured) -> None:
        if not self._filled:
            return
        samples = self._sensor.batch(self._places[: self._filled], self._forces[: self._filled])
        first_index = self._batch_step // self.steps_per_sample
        captured.batches.append(Batch(self._batch_step, first_index, samples))
        self._filled = 0

    def _state(self) -> State:
        data = self._data
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, data.site_xmat[self._tip])
        tip = np.concatenate([data.site_xpos[self._tip], quaternion[1:], quaternion[:1]])
        places = slice(0, len(JOINTS))
        return State(self.step, data.qpos[places].copy(), data.qvel[places].copy(), tip)
