"""Chunks of actions, and playing them by time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.time import NS

# A step's action: translation [m], rotation vector [rad], gripper 0..1.
MOTION = slice(0, 6)
GRIPPER = 6


@dataclass(frozen=True, slots=True)
class Chunk:
    """Future actions; action i covers start + i * dt to start + (i + 1) * dt."""

    start_ns: int  # steady clock
    dt_s: float
    actions: NDArray[np.float32]  # (horizon, dim); the first six are what to move in one step

    @property
    def duration_s(self) -> float:
        """Return the time that the chunk covers [s]."""
        return len(self.actions) * self.dt_s

    def finite(self) -> bool:
        """Return whether every action is a finite number."""
        return bool(np.isfinite(self.actions).all())

    def spent(self, steady_ns: int) -> bool:
        """Return whether the chunk has no action for this moment any more."""
        return (steady_ns - self.start_ns) / NS >= self.duration_s

    def velocity(self, steady_ns: int) -> NDArray[np.float64]:
        """Return the velocity for this moment, (6,) [m/s, rad/s].

        A step's delta over dt is its mean velocity; between the middles of two steps it is
        interpolated, so the command does not jump ten times a second.
        """
        return np.asarray(self._between(steady_ns)[MOTION] / self.dt_s, np.float64)

    def displacement(self, from_ns: int, to_ns: int) -> NDArray[np.float64]:
        """Return the way between two moments as played, (6,) [m, rad]: `velocity`, integrated."""
        # Velocity is linear between the middles of the steps, so trapezoids are exact.
        middles = self.start_ns + (np.arange(len(self.actions)) + 0.5) * self.dt_s * NS
        inside = middles[(middles > from_ns) & (middles < to_ns)]
        times = [from_ns, *(int(middle) for middle in inside), to_ns]
        velocities = np.array([self.velocity(time) for time in times])
        return np.asarray(np.trapezoid(velocities, (np.array(times) - from_ns) / NS, axis=0))

    def gripper(self, steady_ns: int) -> float | None:
        """Return the gripper's value for this moment, None if the policy has none."""
        if self.actions.shape[1] <= GRIPPER:
            return None
        return float(np.clip(self._between(steady_ns)[GRIPPER], 0.0, 1.0))

    def _between(self, steady_ns: int) -> NDArray[np.float32]:
        position = (steady_ns - self.start_ns) / NS / self.dt_s - 0.5
        position = min(max(position, 0.0), len(self.actions) - 1.0)
        step = min(int(position), len(self.actions) - 2) if len(self.actions) > 1 else 0
        after = min(step + 1, len(self.actions) - 1)
        part = np.float32(position - step)
        return (1 - part) * self.actions[step] + part * self.actions[after]


@dataclass(frozen=True, slots=True)
class Seam:
    """How much the plan jumps where one chunk takes over from another."""

    linear: float  # of the velocity [m/s]
    angular: float  # of the velocity [rad/s]
    position: float  # between where the old chunk went and where the new one thinks it is [m]


def seam(old: Chunk, new: Chunk, steady_ns: int) -> Seam | None:
    """Return the jump when `new` takes over at a moment, None if `old` had nothing left to play.

    A new chunk is a plan from its own start on, but it is played only from the switch on: up to
    there the old one moved the tool. The position jump is what both differ by over that time.
    """
    if old.spent(steady_ns):
        return None
    jump = new.velocity(steady_ns) - old.velocity(steady_ns)
    apart = new.displacement(new.start_ns, steady_ns) - old.displacement(new.start_ns, steady_ns)
    return Seam(*(float(np.linalg.norm(part)) for part in (jump[:3], jump[3:], apart[:3])))
