"""The arm: what a command makes of the joints' set points, one control period at a time."""

from collections.abc import Callable

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from vla_ros.core.errors import SimError
from vla_ros.sim.world import ARM_JOINTS, CLAMP_JOINT, TIP, at_home

Vector = NDArray[np.float64]

_AXES = len(ARM_JOINTS)
_STILL = np.zeros(_AXES)
# Damping of the inverse Jacobian: 0.1 % off where the arm is at ease, bounded where it is singular
# (and there the joints' velocity limits slow the whole motion down).
_DAMPING = 1e-3
# The set points may lead the joints by this much [rad]; more would wind up against an obstacle.
_LEAD_RAD = 0.2


class Robot:
    """Six position-controlled joints with gravity compensation, and a clamp that holds the needle.

    A command replaces the one before. Velocities (`twist`, `joint_velocity`) fade to zero by
    themselves `command_timeout_s` after the last one; positions (`trajectory`) are kept.
    """

    def __init__(
        self, model: mujoco.MjModel, period_s: float, command_timeout_s: float = 0.2
    ) -> None:
        """Put the arm at its home, at rest; `control` is to be called every `period_s`."""
        self.model = model
        self.data = at_home(model)
        self._plan = at_home(model)
        self.refused = 0
        self._period_s = period_s
        self._timeout_s = command_timeout_s
        self._time_s = 0.0
        self._limits: Vector = model.jnt_range[:_AXES]
        self._fastest: Vector = model.jnt_user[:_AXES, 0]
        self._clamp_travel = float(model.joint(CLAMP_JOINT).range[1])
        self._clamp = 0.0
        self._target: Vector = self.data.qpos[:_AXES].copy()
        self._motion: Callable[[float], Vector] = lambda _time_s: _STILL
        self._tip = model.site(TIP).id
        self._jacobian = np.zeros((_AXES, model.nv))

    def twist(self, twist: ArrayLike) -> None:
        """Move the needle's tip: (6,) linear [m/s] and angular [rad/s] velocity, base frame."""
        wanted = self._checked(twist, (_AXES,), "a twist")
        self._motion = self._until_timeout(lambda: self._inverse(wanted))

    def joint_velocity(self, velocity: ArrayLike) -> None:
        """Move the joints: (6,) velocities [rad/s]."""
        wanted = self._checked(velocity, (_AXES,), "a joint velocity")
        self._motion = self._until_timeout(lambda: wanted)

    def trajectory(self, times_s: ArrayLike, positions: ArrayLike) -> None:
        """Move the joints through (N, 6) positions [rad], reached (N,) seconds from now.

        The way between is straight; the last position is held. N = 1 with time 0 is a position
        target, approached as fast as the joints may turn.
        """
        points = np.atleast_2d(np.asarray(positions, float))
        points = self._checked(points, (len(points), _AXES), "a trajectory")
        times = self._checked(times_s, (len(points),), "a trajectory's times")
        if len(times) == 0 or np.any(np.diff(times, prepend=0.0) < 0):
            self.refuse(f"trajectory times {times}; at least one, from 0 upward, is allowed")
        start_s, dt = self._time_s, self._period_s
        knots = np.concatenate([[0.0], times])
        path = np.vstack([self._target, np.clip(points, *self._limits.T)])

        def follow(time_s: float) -> Vector:
            at = time_s + dt - start_s
            place = np.array([np.interp(at, knots, axis) for axis in path.T])
            wanted: Vector = (place - self._target) / dt
            return wanted

        self._motion = follow

    def gripper(self, value: float) -> None:
        """Set the clamp: 0 open .. 1 closed."""
        wanted = self._checked(value, (), "a gripper value")
        self._clamp = float(np.clip(wanted, 0.0, 1.0)) * self._clamp_travel

    def hold(self) -> None:
        """Stop where it is."""
        self._motion = lambda _time_s: _STILL

    def control(self, time_s: float) -> None:
        """Set the actuators for the period from `time_s` on, between `mj_step1` and `mj_step2`.

        Time is the caller's, so that a command grows old even where physics was skipped.
        """
        self._time_s = time_s
        velocity = self._motion(time_s)
        if velocity is not _STILL:
            # All joints slow down together, so that the direction stays.
            velocity = velocity / max(1.0, float(np.max(np.abs(velocity) / self._fastest)))
            target = self._target + velocity * self._period_s
            place = self.data.qpos[:_AXES]
            target = np.clip(target, place - _LEAD_RAD, place + _LEAD_RAD)
            self._target = np.clip(target, *self._limits.T)
        self.data.ctrl[:_AXES] = self._target
        self.data.ctrl[_AXES] = self._clamp

    def _until_timeout(self, velocity: Callable[[], Vector]) -> Callable[[float], Vector]:
        ends_s = self._time_s + self._timeout_s
        return lambda time_s: velocity() if time_s < ends_s else _STILL

    def _inverse(self, twist: Vector) -> Vector:
        """Return the joint velocities of a tip twist, by damped least squares."""
        # At the set points, not at the joints: these follow some 20 ms behind, and on a curved path
        # the difference would add up.
        plan = self._plan
        plan.qpos[:_AXES] = self._target
        mujoco.mj_kinematics(self.model, plan)
        mujoco.mj_comPos(self.model, plan)
        mujoco.mj_jacSite(self.model, plan, self._jacobian[:3], self._jacobian[3:], self._tip)
        jacobian = self._jacobian[:, :_AXES]
        square = jacobian @ jacobian.T + _DAMPING**2 * np.eye(_AXES)
        velocity: Vector = jacobian.T @ np.linalg.solve(square, twist)
        return velocity

    def _checked(self, values: ArrayLike, shape: tuple[int, ...], what: str) -> Vector:
        given = np.asarray(values, float)
        if given.shape != shape:
            self.refuse(f"{what} of shape {given.shape}; {shape} is allowed")
        if not np.all(np.isfinite(given)):
            self.refuse(f"{what} {given}; finite numbers are allowed")
        return given

    def refuse(self, why: str) -> None:
        """Stop, count a command that cannot be followed, and say why.

        Raises:
            SimError: always.
        """
        self.refused += 1
        self.hold()
        raise SimError(why)
