"""Whether the robot may move, and how fast."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import ParameterError


class Mode(IntEnum):
    """The state of the command; the numbers are those of vla_ros/ActionChunk."""

    WAITING = 0
    RUNNING = 1
    SLOWED = 2
    HOLD = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be done now, and why."""

    mode: Mode
    reason: str
    scale: float  # share of the wanted speed that is allowed


@dataclass(frozen=True, slots=True)
class AgeLimits:
    """How old an input may be [s]. Past `features_soft_s` the robot slows down.

    Raises:
        ParameterError: the soft limit is not below the hard one.
    """

    features_soft_s: float
    features_hard_s: float
    sensor_s: float
    state_s: float

    def __post_init__(self) -> None:
        """Compare the limits."""
        if self.features_soft_s >= self.features_hard_s:
            raise ParameterError(
                f"features_soft_s is {self.features_soft_s}, features_hard_s "
                f"{self.features_hard_s}; the soft limit must be below the hard one"
            )


def judge(features_s: float, others: Mapping[str, float], limits: AgeLimits) -> Verdict:
    """Return what the inputs' ages allow.

    Args:
        features_s: age of the oldest image behind the action.
        others: ages of "sensor" and "state"; NaN where an input is not used.
        limits: the ages that are allowed.
    """
    # A reason carries the limit, not the age: it must stay the same while the state lasts.
    allowed = {"sensor": limits.sensor_s, "state": limits.state_s}
    for name, age_s in others.items():
        if age_s > allowed[name]:
            return Verdict(Mode.HOLD, f"{name} is older than {allowed[name]:g} s", 0.0)
    if not features_s <= limits.features_hard_s:  # NaN holds too
        return Verdict(Mode.HOLD, f"features are older than {limits.features_hard_s:g} s", 0.0)
    if features_s > limits.features_soft_s:
        left = limits.features_hard_s - features_s
        scale = left / (limits.features_hard_s - limits.features_soft_s)
        reason = f"features are older than {limits.features_soft_s:g} s"
        return Verdict(Mode.SLOWED, reason, scale)
    return Verdict(Mode.RUNNING, "inputs are sound", 1.0)


@dataclass(frozen=True, slots=True)
class MotionLimits:
    """Limits of the tool's motion in the base frame."""

    linear: float  # [m/s]
    angular: float  # [rad/s]
    linear_acceleration: float  # [m/s^2]
    angular_acceleration: float  # [rad/s^2]
    workspace_low: tuple[float, ...]  # (3,) [m]
    workspace_high: tuple[float, ...]  # (3,) [m]


class VelocityLimiter:
    """Turns a wanted velocity into one that the robot may be given."""

    def __init__(self, limits: MotionLimits) -> None:
        """Start at rest."""
        self._limits = limits
        self.velocity = np.zeros(6)

    def step(
        self, wanted: NDArray[np.float64], dt_s: float, position: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return the next velocity, (6,) [m/s, rad/s].

        Args:
            wanted: (6,) finite.
            dt_s: time since the last step.
            position: (3,) of the tool in the base frame; None only to come to rest.
        """
        limits = self._limits
        linear = _shortened(wanted[:3], limits.linear)
        if position is not None:
            linear = self._inside(linear, position)
        angular = _shortened(wanted[3:], limits.angular)
        change = np.concatenate([linear, angular]) - self.velocity
        change[:3] = _shortened(change[:3], limits.linear_acceleration * dt_s)
        change[3:] = _shortened(change[3:], limits.angular_acceleration * dt_s)
        self.velocity = self.velocity + change
        return self.velocity

    def _inside(
        self, linear: NDArray[np.float64], position: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Slow down towards a wall so that the acceleration limit can still stop in time."""
        room_up = np.maximum(np.asarray(self._limits.workspace_high) - position, 0.0)
        room_down = np.maximum(position - np.asarray(self._limits.workspace_low), 0.0)
        braking = 2.0 * self._limits.linear_acceleration
        return np.clip(linear, -np.sqrt(braking * room_down), np.sqrt(braking * room_up))


def _shortened(vector: NDArray[np.float64], longest: float) -> NDArray[np.float64]:
    """Return the vector, no longer than allowed, in the same direction."""
    length = float(np.linalg.norm(vector))
    return vector if length <= longest else vector * (longest / length)
