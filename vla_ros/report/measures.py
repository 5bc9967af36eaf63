"""The numbers of a run that one compares between runs, flat."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vla_ros.report.verdict import interruptions

Better = Literal["lower", "higher", ""]
Row = tuple[str, float | None, str, Better]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number, None if it was not measured; `better` is empty where neither way is."""

    value: float | None
    unit: str
    better: Better


def measures(summary: Mapping[str, Any]) -> dict[str, Measure]:
    """Return the measures of a summary by name; the unit is the end of the name."""
    rows = (*_rates(summary), *_ways(summary), *_stages(summary), *_losses(summary))
    rows += (*_smoothness(summary), *_costs(summary))
    return {name: Measure(value, unit, better) for name, value, unit, better in rows}


def _rates(summary: Mapping[str, Any]) -> Iterator[Row]:
    for name, rate_hz in summary["rates_hz"].items():
        yield f"{name}_hz", rate_hz, "Hz", "higher" if name == "features" else ""
    for name in ("chunk", "command"):
        period = summary[f"{name}_period"]
        for key in ("p50", "p99", "max"):
            yield f"{name}_period_error_{key}_ms", period["error_ms"][key], "ms", "lower"
        yield f"{name}_jitter_ms", period["jitter_ms"], "ms", "lower"
        yield f"{name}_longest_gap_ms", period["longest_gap_ms"], "ms", "lower"
    yield "ticks_without_chunk", summary["chunk_period"]["ticks_without_chunk"], "", "lower"
    missed = summary["command_period"]["deadlines_missed"]
    yield "command_deadlines_missed", missed, "", "lower"
    yield "times_slowed_or_held", interruptions(summary), "", "lower"


def _ways(summary: Mapping[str, Any]) -> Iterator[Row]:
    """Yield how old things are when they are used."""
    command = summary["stages_ms"].get("command", {})
    ages = {f"{name}_age": summary["age_ms"][name] for name in ("features", "sensor", "state")}
    ways = {name: command.get(name, {}) for name in ("camera_to_command", "sensor_to_command")}
    for name, numbers in {**ages, **ways}.items():
        yield from _both(name, numbers)
    yield "set_skew_p99_ms", summary["set_skew_ms"]["p99"], "ms", "lower"


def _stages(summary: Mapping[str, Any]) -> Iterator[Row]:
    for node, stages in summary["stages_ms"].items():
        for stage, numbers in stages.items():
            if node != "command":  # its stages are the ways above
                yield from _both(f"{node}_{stage}", numbers)


def _losses(summary: Mapping[str, Any]) -> Iterator[Row]:
    cameras = summary["cameras"].values()
    for what in ("received", "lost", "unpaired"):
        told = [camera[what] for camera in cameras if camera[what] is not None]
        better: Better = "higher" if what == "received" else "lower"
        yield f"frames_{what}", sum(told) if told else None, "", better
    percents = [one["lost_percent"] for one in cameras if one["lost_percent"] is not None]
    yield "frames_lost_worst_percent", max(percents, default=None), "%", "lower"
    sensor = summary["sensor"]
    yield "sensor_samples_lost", sensor["lost"], "", "lower"
    yield "sensor_lost_percent", sensor["lost_percent"], "%", "lower"
    yield "sensor_hz", sensor["rate_hz"], "Hz", ""


def _smoothness(summary: Mapping[str, Any]) -> Iterator[Row]:
    seams, motion = summary["seams"], summary["motion"]
    for name, scale, unit in (
        ("velocity_jump_m_s", 1.0, "m/s"),
        ("angular_jump_rad_s", 1.0, "rad/s"),
        ("position_jump_m", 1e3, "mm"),
    ):
        value = seams[name]["p99"]
        kind = name.split("_jump_")[0]
        end = unit.replace("/", "_")
        yield f"seam_{kind}_p99_{end}", None if value is None else value * scale, unit, "lower"
    yield "acceleration_rms_m_s2", motion["acceleration_m_s2_rms"], "m/s^2", "lower"
    yield "jerk_rms_m_s3", motion["jerk_m_s3_rms"], "m/s^3", "lower"
    yield "jerk_p99_m_s3", motion["jerk_m_s3"]["p99"], "m/s^3", "lower"


def _costs(summary: Mapping[str, Any]) -> Iterator[Row]:
    for name, used in summary["processes"].items():
        yield f"{name}_cpu_percent", used["cpu_percent"], "%", "lower"
        yield f"{name}_rss_peak_mb", used["rss_peak_mb"], "MB", "lower"
    resources = summary["resources"]
    yield "shm_peak_mb", resources["shm_peak_mb"], "MB", "lower"
    for number, gpu in enumerate(resources["gpus"].values()):
        yield f"gpu_{number}_utilisation_p50_percent", gpu["utilisation_percent"]["p50"], "%", ""
        yield f"gpu_{number}_memory_peak_mb", gpu["memory_peak_mb"], "MB", "lower"


def _both(name: str, numbers: Mapping[str, Any]) -> Iterator[Row]:
    for key in ("p50", "p99"):
        yield f"{name}_{key}_ms", numbers.get(key), "ms", "lower"
