"""How smooth what the robot was told is."""

import math
from typing import Any

import numpy as np

from vla_ros.core.latency import Floats, stats
from vla_ros.data.run_log import VELOCITY, RunLog


def seams(log: RunLog) -> dict[str, Any]:
    """Return how much the plan jumps from one chunk to the next (core.chunks.seam).

    It is what the policy wants; the command node's limits smooth it, and `motion` is what is left.
    """
    return {
        "switches": len(log.seams),
        "velocity_jump_m_s": stats(log.seams["linear"]).as_dict(),
        "angular_jump_rad_s": stats(log.seams["angular"]).as_dict(),
        "position_jump_m": stats(log.seams["position"]).as_dict(),
    }


def motion(log: RunLog, period_s: float) -> dict[str, Any]:
    """Return speed, acceleration and jerk of the published commands, the latter two of twists.

    Args:
        log: the run.
        period_s: of the commands. Two that came closer together are taken as a period apart: a
            late one is held a little shorter, and is no jolt.
    """
    found = {"speed_unit": log.speed_unit, "speed": stats(log.commands["speed"]).as_dict()}
    accelerations, jerks = derivatives(log, period_s)
    for prefix, unit, part in (("", "m", slice(0, 3)), ("angular_", "rad", slice(3, 6))):
        found |= _lengths(f"{prefix}acceleration_{unit}_s2", accelerations[:, part])
        found |= _lengths(f"{prefix}jerk_{unit}_s3", jerks[:, part])
    return found


def derivatives(log: RunLog, period_s: float) -> tuple[Floats, Floats]:
    """Return accelerations (N-1, 6) and jerks (N-2, 6) of the N commands, see `motion`."""
    velocities = np.stack([log.commands[column] for column in VELOCITY], axis=1)
    steps_s = np.maximum(np.diff(log.commands["t_s"]), period_s)[:, None]
    accelerations = np.diff(velocities, axis=0) / steps_s
    return accelerations, np.diff(accelerations, axis=0) / (steps_s[1:] + steps_s[:-1]) * 2.0


def _lengths(name: str, vectors: Floats) -> dict[str, Any]:
    """Return the distribution of the lengths of vectors (N, 3), and their root mean square."""
    lengths = np.linalg.norm(vectors, axis=1)
    lengths = lengths[np.isfinite(lengths)]
    rms = math.sqrt(float(np.mean(lengths**2))) if len(lengths) else None
    return {name: stats(lengths).as_dict(), f"{name}_rms": rms}
