"""The numbers of a run, as JSON and as a table for a terminal."""

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np

from vla_ros.core.latency import (
    Floats,
    counter_total,
    deadlines_missed,
    nominal_period_s,
    period_deviations_s,
    rate_hz,
    stats,
)
from vla_ros.data.run_log import RunLog
from vla_ros.data.table import Table
from vla_ros.report import counts
from vla_ros.report.motion import motion, seams
from vla_ros.report.verdict import verdict

SCHEMA = 2
CYCLE = "cycle"
_MODE_LINES = 20


def summarize(log: RunLog) -> dict[str, Any]:
    """Return everything that is known of a run, ready for JSON; None where nothing is known.

    Units are in the names; a distribution has count, mean, p50, p90, p99, p99_9 and max. The keys
    are explained in docs/summary.md.
    """
    chunk_s, ticks = log.chunks["t_s"], log.chunks["tick"]
    command_s = log.commands["t_s"]
    numbers = np.arange(len(command_s), dtype=np.float64)  # commands carry none of their own
    command_period_s = _nominal_s(log, "command", command_s, numbers)
    found = {
        "schema": SCHEMA,
        "duration_s": log.duration_s,
        "rates_hz": {
            "features": _number(rate_hz(log.features["received_s"])),
            "chunks": _number(rate_hz(chunk_s)),
            "commands": _number(rate_hz(command_s)),
        },
        "chunk_period": {
            **_period(chunk_s, ticks, _nominal_s(log, "action", chunk_s, ticks)),
            "ticks": len(ticks),
            "ticks_without_chunk": _jumps(ticks),
        },
        "command_period": {
            **_period(command_s, numbers, command_period_s),
            "commands": len(command_s),
        },
        "missed": {node: counter_total(log.cycles[node]["missed"]) for node in log.nodes},
        "age_ms": _ages(log),
        "set_skew_ms": _stats_ms(log.features["skew_s"]),
        "stages_ms": _stages(log),
        "cameras": counts.cameras(log),
        "sensor": counts.sensor(log),
        "seams": seams(log),
        "motion": motion(log, command_period_s),
        "modes": [
            {"t_s": round(m.t_s, 3), "node": m.node, "mode": m.mode, "reason": m.reason}
            for m in log.modes
        ],
        "processes": {name: _usage(table) for name, table in log.processes.items()},
        "resources": _resources(log),
        "diagnostics": log.diagnostics,
        "unreadable": dict(log.unreadable),
    }
    return {**found, "verdict": verdict(found).as_dict()}


def table(summary: Mapping[str, Any]) -> str:
    """Return a summary as lines of text, at most 100 columns wide."""
    rates, period = summary["rates_hz"], summary["chunk_period"]
    missed = ", ".join(f"{node} {n}" for node, n in summary["missed"].items()) or "nobody reported"
    lines = [
        *textwrap.wrap(summary["verdict"]["reason"], 100),
        f"{summary['duration_s']:.1f} s: features {_text(rates['features'], 2)} Hz, "
        f"chunks {_text(rates['chunks'], 2)} Hz, commands {_text(rates['commands'], 1)} Hz",
        f"missed cycles: {missed}",
        "",
        f"{'[ms]':<34}{'n':>7}{'p50':>10}{'p90':>10}{'p99':>10}{'max':>10}",
    ]
    for node, stages in summary["stages_ms"].items():
        lines += [_row(f"{node} {stage}", numbers) for stage, numbers in stages.items()]
    nominal = _text(period["nominal_ms"], 1)
    lines.append(_row(f"error of the {nominal} ms tick", period["error_ms"]))
    command = summary["command_period"]
    nominal = _text(command["nominal_ms"], 1)
    lines.append(_row(f"error of the {nominal} ms command", command["error_ms"]))
    for name, numbers in summary["age_ms"].items():
        if name != "views" and numbers["count"]:
            lines.append(_row(f"{name.replace('_', ' ')} at the tick", numbers))
    if summary["set_skew_ms"]["count"]:
        lines.append(_row("skew of a set of images", summary["set_skew_ms"]))
    for part in (_smoothness_lines(summary), counts.lines(summary), _process_lines(summary)):
        lines += ["", *part] if part else []
    modes = summary["modes"]
    changes = [f"{m['t_s']:8.1f} s  {m['node']}: {m['mode']}  {m['reason']}" for m in modes]
    lines += ["", *changes[:_MODE_LINES]]
    if len(changes) > _MODE_LINES:
        lines.append(f"  and {len(changes) - _MODE_LINES} more changes of mode, in summary.json")
    return "\n".join(lines).rstrip()


def _smoothness_lines(summary: Mapping[str, Any]) -> list[str]:
    rows = [
        ("jump of the plan [mm/s]", summary["seams"]["velocity_jump_m_s"], 1e3),
        ("jump of the plan [mm]", summary["seams"]["position_jump_m"], 1e3),
        ("acceleration [m/s^2]", summary["motion"]["acceleration_m_s2"], 1.0),
        ("jerk [m/s^3]", summary["motion"]["jerk_m_s3"], 1.0),
    ]
    return [_row(name, numbers, scale) for name, numbers, scale in rows if numbers["count"]]


def _process_lines(summary: Mapping[str, Any]) -> list[str]:
    heads = (
        *(("CPU %", "cpu_percent", 1), ("peak MB", "rss_peak_mb", 0)),
        *(("/dev/shm MB", "shm_peak_mb", 0), ("threads", "threads_peak", 0)),
    )
    lines = []
    if summary["processes"]:
        lines.append(f"{'process':<34}" + "".join(f"{head:>12}" for head, _, _ in heads))
    for name, used in summary["processes"].items():
        cells = (_text(used[key], digits) for _, key, digits in heads)
        lines.append(f"{name:<34}" + "".join(f"{cell:>12}" for cell in cells))
    return lines


def _nominal_s(log: RunLog, node: str, times_s: Floats, ticks: Floats) -> float:
    """Return the period that a node says it has, else the one that it seems to have.

    A node that is too slow throughout would else be held against its own slowness.
    """
    told = log.diagnostics.get(node, {}).get("values", {}).get("rate_hz", "")
    try:
        return 1.0 / float(told)
    except (ValueError, ZeroDivisionError):
        return nominal_period_s(times_s, ticks)


def _period(times_s: Floats, ticks: Floats, period_s: float) -> dict[str, Any]:
    deviations_s = period_deviations_s(times_s, ticks, period_s)
    gaps_s = np.diff(times_s)
    return {
        "nominal_ms": _number(period_s * 1e3),
        "rate_hz": _number(rate_hz(times_s)),
        "error_ms": _stats_ms(np.abs(deviations_s)),
        "jitter_ms": round(float(np.std(deviations_s)) * 1e3, 6) if len(deviations_s) else None,
        "longest_gap_ms": float(gaps_s.max()) * 1e3 if len(gaps_s) else None,
        "deadlines_missed": deadlines_missed(times_s, period_s),
    }


def _stages(log: RunLog) -> dict[str, dict[str, Any]]:
    """Return the distribution of each stage, and of the whole cycle, by node."""
    found: dict[str, dict[str, Any]] = {node: {} for node in log.nodes}
    for (node, stage), rows in log.stages.items():
        found[node][stage] = _stats_ms(rows["duration_s"])
    for node, cycles in log.cycles.items():
        if len(found[node]) > 1:  # of a single stage the cycle tells nothing more
            found[node][CYCLE] = _stats_ms(cycles["duration_s"])
    return found


def _ages(log: RunLog) -> dict[str, Any]:
    chunks = log.chunks
    names = ("features", "sensor", "sensor_gap", "state", "state_gap")
    ages: dict[str, Any] = {}
    for name in names:
        column = f"{name}_s" if name.endswith("gap") else f"{name}_age_s"
        ages[name] = _stats_ms(chunks[column])
    ages["views"] = {
        view: {"age": _stats_ms(rows["age_s"]), "skew": _stats_ms(rows["skew_s"])}
        for view, rows in log.views.items()
    }
    return ages


def _usage(rows: Table) -> dict[str, float | None]:
    times_s, cpu_s = rows["t_s"], rows["cpu_s"]
    # A process that was restarted starts to count from zero again.
    spent_s = float(np.maximum(np.diff(cpu_s), 0.0).sum())
    elapsed_s = float(times_s[-1] - times_s[0])
    percent = 100.0 * spent_s / elapsed_s if elapsed_s > 0.0 else math.nan
    return {
        "cpu_percent": _number(percent),
        "rss_peak_mb": _peak(rows["rss_mb"]),
        "shm_peak_mb": _peak(rows["shm_mb"]),
        "threads_peak": _peak(rows["threads"]),
    }


def _resources(log: RunLog) -> dict[str, Any]:
    """Return what is used of the machine as a whole, by this graph and by others."""
    return {
        "shm_peak_mb": _peak(log.machine["shm_mb"]),
        "gpus": {
            name: {
                "utilisation_percent": stats(rows["utilisation_percent"]).as_dict(),
                "memory_peak_mb": _peak(rows["memory_mb"]),
            }
            for name, rows in log.gpus.items()
        },
    }


def _peak(values: Floats) -> float | None:
    return _number(stats(values).max)


def _jumps(ticks: Floats) -> int:
    steps = np.diff(ticks)
    return int((steps[steps > 1] - 1).sum())


def _stats_ms(seconds: Floats) -> dict[str, Any]:
    # To the nanosecond that stamps have: below it lie only the roundings of seconds.
    return stats(np.round(np.asarray(seconds) * 1e3, 6)).as_dict()


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _row(name: str, numbers: Mapping[str, Any], scale: float = 1.0) -> str:
    found = (numbers[key] for key in ("p50", "p90", "p99", "max"))
    cells = "".join(f"{_text(None if x is None else x * scale, 2):>10}" for x in found)
    return f"{name:<34}{numbers['count']:>7}{cells}"
