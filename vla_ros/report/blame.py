"""Which stage keeps a run from holding its rate."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Summary = Mapping[str, Any]
Told = tuple[str, str]  # stage, and why

# What begins like this in the command node's reason for a hold has its cause elsewhere.
_CAUSES = {"no new chunk": "action", "sensor": "sensor", "state": "robot_states"}
# Features are this much older than encode and interval explain: some never came.
_STOPPED = 2.0


def blame(summary: Summary, failed: Sequence[str]) -> Told:
    """Return the stage that is responsible and a clause that says why.

    Args:
        summary: the run.
        failed: names of the checks that it did not pass, at least one.
    """
    for names, tell in _CULPRITS:
        if any(name in failed for name in names):
            return tell(summary)
    return "", ", ".join(failed)


def _tick(summary: Summary) -> Told:
    """Blame the largest stage of a tick that overruns, else whatever kept it from its time."""
    chunk, stages = summary["chunk_period"], summary["stages_ms"].get("action", {})
    if not chunk["ticks"]:
        return _no_chunks(summary)
    period_ms, cycle = chunk["nominal_ms"] or 0.0, stages.get("cycle", {})
    for key, said in (("p99", "at p99"), ("max", "at worst")):
        if cycle.get("count") and cycle[key] > period_ms:
            stage, part = _largest(stages, key)
            took = f"a tick takes {cycle[key]:.0f} ms {said}, of {period_ms:.0f} ms"
            return f"action.{stage}", f"{took}; {stage} alone {part:.0f} ms"
    late = f"{chunk['ticks_without_chunk']} ticks made no chunk, the longest gap was"
    took = f", though a tick takes {cycle['max']:.1f} ms at worst" if cycle.get("count") else ""
    cause = ": an input was missing, or the processor was busy elsewhere"
    return "action", f"{late} {chunk['longest_gap_ms'] or 0.0:.0f} ms{took}{cause}"


def _no_chunks(summary: Summary) -> Told:
    if not summary["stages_ms"].get("vl_encoder"):
        told = summary["diagnostics"].get("vl_encoder", {}).get("message", "nothing")
        return "vl_encoder", f"there are no chunks, for no encode was finished (it says: {told})"
    told = summary["diagnostics"].get("action", {}).get("message", "nothing")
    return "action", f"the action node made no chunks (it says: {told})"


def _features(summary: Summary) -> Told:
    """Blame the encoder's largest stage, its rate, or that it stopped."""
    age_ms = summary["age_ms"]["features"]["p99"] or 0.0
    stages = summary["stages_ms"].get("vl_encoder", {})
    cycle, rate_hz = stages.get("cycle", {}), summary["rates_hz"]["features"]
    told = f"the features are {age_ms / 1e3:.1f} s old at p99"
    if not cycle.get("count"):
        return "vl_encoder", told
    interval_ms = 1e3 / rate_hz if rate_hz else 0.0
    if age_ms > _STOPPED * (cycle["p99"] + interval_ms):
        return "vl_encoder", f"{told}: for a while none came"
    if interval_ms > _STOPPED * cycle["p99"]:
        return "vl_encoder", f"{told}: they come only every {interval_ms / 1e3:.1f} s"
    stage, part = _largest(stages, "p99")
    took = f"an encode takes {cycle['p99'] / 1e3:.1f} s, {stage} alone {part / 1e3:.1f} s"
    return f"vl_encoder.{stage}", f"{told}: {took}"


def _interrupted(summary: Summary) -> Told:
    """Blame what the command node named when it first slowed down or held."""
    modes = [change for change in summary["modes"] if change["node"] == "command"]
    ran = next((i for i, change in enumerate(modes) if change["mode"] == "RUNNING"), 0)
    first = next(change for change in modes[ran:] if change["mode"] in ("SLOWED", "HOLD"))
    reason, told = first["reason"], f"{first['mode']} after {first['t_s']:.1f} s"
    if reason.startswith("features"):
        stage, why = _features(summary)
        return stage, f"{told}, {reason}; {why}"
    stages = (stage for start, stage in _CAUSES.items() if reason.startswith(start))
    return next(stages, "command"), f"{told}, {reason}"


def _command(summary: Summary) -> Told:
    period = summary["command_period"]
    if not period["commands"]:
        told = summary["diagnostics"].get("command", {}).get("message", "nothing")
        return "command", f"there are no commands (the node says: {told})"
    missed = f"{period['deadlines_missed']} commands came more than a period late"
    return "command", f"{missed}, the longest gap was {period['longest_gap_ms'] or 0.0:.0f} ms"


def _frames(summary: Summary) -> Told:
    cameras = summary["cameras"]
    silent = [name for name, camera in cameras.items() if camera["received"] == 0]
    if silent:
        return "transport", f"no frame of {', '.join(silent)} came"
    name, camera = max(cameras.items(), key=lambda item: item[1]["lost_percent"] or 0.0)
    return "transport", f"{name} lost {camera['lost_percent']:.1f} % of its frames"


def _samples(summary: Summary) -> Told:
    told = f"{summary['sensor']['lost_percent']:.1f} % of the sensor's samples were lost"
    if any(change["node"] == "sim" and change["mode"] == "SLOWED" for change in summary["modes"]):
        return "sim", f"{told}: the simulation fell behind the clock and left them out"
    return "transport", told


def _largest(stages: Mapping[str, Any], key: str) -> tuple[str, float]:
    parts = {name: own[key] for name, own in stages.items() if name != "cycle" and own["count"]}
    name = max(parts, key=lambda one: parts[one])
    return name, parts[name]


# Causes before their effects: an old input holds the robot, but a hold does not age the input.
_CULPRITS: tuple[tuple[tuple[str, ...], Callable[[Summary], Told]], ...] = (
    (("tick p99",), _tick),
    (("features' age p99",), _features),
    (("chunk rate", "ticks without a chunk", "period error p99", "period error p90"), _tick),
    (("times slowed or held",), _interrupted),
    (("command rate", "command deadlines missed"), _command),
    (("frames lost",), _frames),
    (("sensor samples lost",), _samples),
)
