"""Decides what the robot is told: plays chunks, limits, slows down, holds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.chunks import Chunk
from vla_ros.core.safety import (
    AgeLimits,
    Mode,
    MotionLimits,
    VelocityLimiter,
    Verdict,
    judge,
)
from vla_ros.core.time import NS

# After a stall the speed must not make up in one command what it could have gained meanwhile.
_LONGEST_STEP_S = 0.1


@dataclass(frozen=True, slots=True)
class Ages:
    """How old the inputs of a chunk were at its start [s]; NaN where one is not used."""

    features_s: float
    sensor_s: float
    state_s: float


@dataclass(frozen=True, slots=True)
class Command:
    """What to tell the robot now."""

    verdict: Verdict
    velocity: NDArray[np.float64]  # (6,) [m/s, rad/s]
    gripper: float | None


class CommandController:
    """Plays the newest chunk as long as everything behind it is sound."""

    def __init__(self, ages: AgeLimits, motion: MotionLimits, chunk_timeout_s: float) -> None:
        """Wait for the first chunk."""
        self._limits = ages
        self._limiter = VelocityLimiter(motion)
        self._chunk_timeout_s = chunk_timeout_s
        self._chunk: Chunk | None = None
        self._ages = Ages(0.0, 0.0, 0.0)
        self._fault = ""
        self._gripper: float | None = None
        self._last_ns: int | None = None

    def accept(self, chunk: Chunk, ages: Ages, fault: str = "") -> None:
        """Take a new chunk; `fault` says why its sender wants a hold, if it does."""
        if not chunk.finite():
            fault = "the newest chunk is not finite"
        self._chunk, self._ages, self._fault = chunk, ages, fault

    def reject(self, fault: str) -> None:
        """Hold until the next sound chunk."""
        self._fault = fault

    def step(self, steady_ns: int, position: NDArray[np.float64] | None) -> Command | None:
        """Return what to tell the robot now, None before the first chunk.

        Args:
            steady_ns: the steady clock.
            position: (3,) of the tool in the base frame, None if unknown: without it nothing
                says where the workspace ends, so the robot holds.
        """
        if self._chunk is None:
            return None
        dt_s = 0.0 if self._last_ns is None else (steady_ns - self._last_ns) / NS
        dt_s = min(dt_s, _LONGEST_STEP_S)
        self._last_ns = steady_ns
        verdict = self._verdict(self._chunk, steady_ns)
        if position is None and verdict.scale > 0.0:
            verdict = Verdict(Mode.HOLD, "the tool's position is not known", 0.0)
        wanted = np.zeros(6)
        if verdict.scale > 0.0:
            wanted = verdict.scale * self._chunk.velocity(steady_ns)
            self._gripper = self._chunk.gripper(steady_ns)
        return Command(verdict, self._limiter.step(wanted, dt_s, position), self._gripper)

    def _verdict(self, chunk: Chunk, steady_ns: int) -> Verdict:
        if self._fault:
            return Verdict(Mode.HOLD, self._fault, 0.0)
        since_s = (steady_ns - chunk.start_ns) / NS
        if since_s > self._chunk_timeout_s or chunk.spent(steady_ns):
            # No number of seconds here: the reason must stay the same while the hold lasts.
            limit = f"limit {self._chunk_timeout_s:g} s"
            return Verdict(Mode.HOLD, f"no new chunk from the action node ({limit})", 0.0)
        others = {"sensor": self._ages.sensor_s + since_s, "state": self._ages.state_s + since_s}
        return judge(self._ages.features_s + since_s, others, self._limits)
