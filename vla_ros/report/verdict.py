"""Whether a run kept its rates, and if not, which stage is responsible."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from vla_ros.report.blame import blame

_SOFT_S = 3.0  # features_soft_s, where the run does not tell it
_ENOUGH = 201  # of fewer periods, the two that one late tick spoils are more than a hundredth


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may do and still hold its rate; rates are held against the nodes' own."""

    rate_percent: float = 1.0  # of the nominal rate
    period_error_percent: float = 10.0  # of the period, at p99 (p90 of a short run)
    features_age_ms: float | None = None  # at p99; None: from where on the robot slows down
    frames_lost_percent: float = 1.0  # of the worst camera
    sensor_lost_percent: float = 0.1


@dataclass(frozen=True, slots=True)
class Check:
    """One number that must not exceed its limit; `ok` is None where nothing was measured."""

    name: str
    ok: bool | None
    value: float | None
    limit: float
    unit: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said about a run in one sentence.

    `stage` is what to look at when it does not hold: a node and its stage (`action.action`,
    `vl_encoder.vision`), a node, or `transport`, `sensor`, `robot_states`; empty when it does.
    """

    holds: bool
    stage: str
    reason: str
    checks: tuple[Check, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name, ready for JSON."""
        return {**asdict(self), "checks": [asdict(check) for check in self.checks]}


def verdict(summary: Mapping[str, Any], limits: Limits | None = None) -> Verdict:
    """Judge a summary (report.summary.summarize).

    Of what was not measured only chunks and commands are missed.
    """
    checks = tuple(_checks(summary, limits or Limits()))
    failed = [check.name for check in checks if check.ok is False]
    nominal_ms = summary["chunk_period"]["nominal_ms"]
    rate = f"{1e3 / nominal_ms:g} Hz" if nominal_ms else "its rate"
    if not failed:
        return Verdict(True, "", f"It holds {rate}: {_praise(summary)}.", checks)
    stage, why = blame(summary, failed)
    return Verdict(False, stage, f"It does not hold {rate}: {why}.", checks)


def _checks(summary: Mapping[str, Any], limits: Limits) -> Iterator[Check]:
    chunk, command = summary["chunk_period"], summary["command_period"]
    period_ms = chunk["nominal_ms"] or 0.0
    cycle = summary["stages_ms"].get("action", {}).get("cycle", {})
    yield _rate("chunk rate", chunk, limits)
    yield _at_most("ticks without a chunk", chunk["ticks_without_chunk"], 0, "")
    error_ms = period_ms * limits.period_error_percent / 100.0
    share = "p99" if chunk["error_ms"]["count"] >= _ENOUGH else "p90"
    yield _at_most(f"period error {share}", chunk["error_ms"][share], error_ms, "ms")
    yield _at_most("tick p99", cycle.get("p99"), period_ms, "ms")
    yield _rate("command rate", command, limits)
    yield _at_most("command deadlines missed", command["deadlines_missed"], 0, "")
    yield _at_most("times slowed or held", interruptions(summary), 0, "")
    age_ms = summary["age_ms"]["features"]["p99"]
    oldest_ms = limits.features_age_ms or _soft_limit_ms(summary)
    yield _at_most("features' age p99", age_ms, oldest_ms, "ms")
    lost = [camera["lost_percent"] for camera in summary["cameras"].values()]
    worst = max((percent for percent in lost if percent is not None), default=None)
    yield _at_most("frames lost", worst, limits.frames_lost_percent, "%")
    lost_samples = summary["sensor"]["lost_percent"]
    yield _at_most("sensor samples lost", lost_samples, limits.sensor_lost_percent, "%")


def _at_most(name: str, value: float | None, limit: float, unit: str) -> Check:
    return Check(name, None if value is None else value <= limit, value, limit, unit)


def _rate(name: str, period: Mapping[str, Any], limits: Limits) -> Check:
    """Check how far a rate is from the nominal one; none at all is a failure."""
    rate_hz, nominal_ms = period["rate_hz"], period["nominal_ms"]
    if rate_hz is None or nominal_ms is None:
        return Check(name, False, None, limits.rate_percent, "% off")
    percent = abs(rate_hz * nominal_ms / 1e3 - 1.0) * 100.0
    return _at_most(name, percent, limits.rate_percent, "% off")


def interruptions(summary: Mapping[str, Any]) -> int | None:
    """Return how often the command node slowed down or held once it ran, or at all if it never did.

    None if there was no such node.
    """
    modes = [change["mode"] for change in summary["modes"] if change["node"] == "command"]
    if not modes:
        return None
    first = modes.index("RUNNING") if "RUNNING" in modes else 0
    return sum(mode in ("SLOWED", "HOLD") for mode in modes[first:])


def _soft_limit_ms(summary: Mapping[str, Any]) -> float:
    """Return from which age on the command node slows down, as it says."""
    told = summary["diagnostics"].get("command", {}).get("values", {})
    try:
        return float(told["features_soft_s"]) * 1e3
    except (KeyError, ValueError):
        return _SOFT_S * 1e3


def _praise(summary: Mapping[str, Any]) -> str:
    chunk, age_ms = summary["chunk_period"], summary["age_ms"]["features"]["p99"]
    told = f"{chunk['ticks']} ticks and none missed"
    if chunk["error_ms"]["p99"]:  # in virtual time there is none
        told += f", each within {chunk['error_ms']['p99']:.2g} ms of its time at p99"
    if age_ms is not None:
        told += f", on features up to {age_ms / 1e3:.1f} s old at p99"
    return told
