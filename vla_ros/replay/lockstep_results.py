"""What a lockstep replay amounts to: hashes, ages, shares of time, differences."""

import hashlib
import math
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.latency import stats
from vla_ros.core.safety import Mode
from vla_ros.replay.lockstep_run import Run

# Of an action and of a command: which values have which unit.
_ACTION_PARTS = {
    "translation_m": slice(0, 3),
    "rotation_rad": slice(3, 6),
    "gripper": slice(6, None),
}
_COMMAND_PARTS = {"linear_m_s": slice(0, 3), "angular_rad_s": slice(3, 6)}
Vectors = Mapping[int, NDArray[Any]]


def action_hash(run: Run) -> str:
    """Return the sha256 of every chunk's number, stamp [ns] and float32 values."""
    digest = hashlib.sha256()
    for tick in run.ticks:
        digest.update(struct.pack("<Qq", tick.number, tick.stamp_ns))
        digest.update(np.ascontiguousarray(tick.chunk, "<f4").tobytes())
    return digest.hexdigest()


def command_hash(run: Run) -> str:
    """Return the sha256 of every command's stamp [ns], mode, velocity and gripper as float64."""
    digest = hashlib.sha256()
    for done in run.commands:
        gripper = math.nan if done.command.gripper is None else done.command.gripper
        digest.update(struct.pack("<qBd", done.stamp_ns, done.command.verdict.mode, gripper))
        digest.update(np.ascontiguousarray(done.command.velocity, "<f8").tobytes())
    return digest.hexdigest()


def combined(hashes: Sequence[str]) -> str:
    """Return the one hash, or the sha256 over several."""
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def describe(run: Run, first: Run) -> dict[str, Any]:
    """Return a run's numbers, and how its actions and commands differ from the first run's.

    Chunks and commands of the same instant are compared; where one of the two runs has none yet,
    nothing is.
    """
    ages = stats([tick.ledger["features_age_s"] * 1e3 for tick in run.ticks])
    return {
        "action_hash": action_hash(run),
        "command_hash": command_hash(run),
        "ticks": len(run.ticks),
        "commands": len(run.commands),
        "encodes": len(run.encodes),
        "first_chunk_s": (run.ticks[0].stamp_ns - run.start_ns) / 1e9,
        "features_age_ms": {"p50": ages.p50, "p99": ages.p99, "max": ages.max},
        "modes": mode_shares(run),
        "action_difference": difference(_actions(run), _actions(first), _ACTION_PARTS),
        "command_difference": difference(_commands(run), _commands(first), _COMMAND_PARTS),
        "refused": dict(run.refused),
    }


def mode_shares(run: Run) -> dict[str, float]:
    """Return the share of the commands in each mode, 0 to 1."""
    counts = Counter(done.command.verdict.mode for done in run.commands)
    whole = max(len(run.commands), 1)
    return {mode.name: counts[mode] / whole for mode in (Mode.RUNNING, Mode.SLOWED, Mode.HOLD)}


def difference(one: Vectors, other: Vectors, parts: Mapping[str, slice]) -> dict[str, Any]:
    """Return the mean and largest absolute difference of vectors at the instants both have.

    Of all values, and of each part; None where there is nothing to compare.
    """
    instants = [at_ns for at_ns in one if at_ns in other]
    if not instants:
        return {"compared": 0, "mean_abs": None, "max_abs": None}
    apart = np.abs(np.stack([one[t].astype(np.float64) - other[t] for t in instants]))
    found: dict[str, Any] = {
        "compared": len(instants),
        "mean_abs": float(apart.mean()),
        "max_abs": float(apart.max()),
    }
    for name, part in parts.items():
        if apart[:, part].size:
            of_part = apart[:, part]
            found[name] = {"mean_abs": float(of_part.mean()), "max_abs": float(of_part.max())}
    return found


def arrays(run: Run) -> dict[str, NDArray[Any]]:
    """Return all chunks (N, horizon, dim) and commands (M, 6) with their times, for an .npz."""
    return {
        "ticks": np.array([tick.number for tick in run.ticks], np.uint64),
        "stamps_ns": np.array([tick.stamp_ns for tick in run.ticks], np.int64),
        "chunks": np.stack([tick.chunk for tick in run.ticks]),
        "features_age_s": np.array([tick.ledger["features_age_s"] for tick in run.ticks]),
        "command_stamps_ns": np.array([done.stamp_ns for done in run.commands], np.int64),
        "commands": np.array([done.command.velocity for done in run.commands]).reshape(-1, 6),
        "command_modes": np.array([done.command.verdict.mode for done in run.commands], np.uint8),
        "grippers": np.array([done.command.gripper for done in run.commands], np.float64),
    }


def table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the runs as lines of text, at most 100 columns wide."""
    lines = [
        f"{'VL latency':<14}{'encodes':>8}{'chunks':>8}{'age p50':>9}{'max':>7}"
        f"{'running':>9}{'slowed':>8}{'held':>6}{'action differs':>16}{'speed differs':>14}",
        f"{'':<14}{'':>8}{'':>8}{'[ms]':>9}{'[ms]':>7}{'[%]':>9}{'[%]':>8}{'[%]':>6}"
        f"{'[mm] mean/max':>16}{'[mm/s]':>14}",
        *map(_row, runs),
    ]
    if len(runs) > 1:
        lines.append(
            f"differs: the first action of each chunk, and commands, from {_name(runs[0])}"
        )
    return "\n".join(lines)


def _name(run: Mapping[str, Any]) -> str:
    latency = run["vl_latency_ms"]
    return latency if isinstance(latency, str) else f"{latency:g} ms"


def _row(run: Mapping[str, Any]) -> str:
    ages, modes = run["features_age_ms"], run["modes"]
    running, slowed, held = (100.0 * modes[name] for name in ("RUNNING", "SLOWED", "HOLD"))
    moved = _pair(run["action_difference"].get("translation_m"))
    told = _pair(run["command_difference"].get("linear_m_s"))
    return (
        f"{_name(run):<14}{run['encodes']:>8}{run['ticks']:>8}"
        f"{ages['p50']:>9.0f}{ages['max']:>7.0f}"
        f"{running:>9.1f}{slowed:>8.1f}{held:>6.1f}{moved:>16}{told:>14}"
    )


def _pair(found: Mapping[str, float] | None) -> str:
    return f"{found['mean_abs'] * 1e3:.2f}/{found['max_abs'] * 1e3:.2f}" if found else "-"


def _actions(run: Run) -> dict[int, NDArray[Any]]:
    return {tick.stamp_ns: tick.chunk[0] for tick in run.ticks}


def _commands(run: Run) -> dict[int, NDArray[Any]]:
    return {done.stamp_ns: done.command.velocity for done in run.commands}
