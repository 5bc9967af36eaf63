"""The numbers of a run, as JSON and as a table for a terminal."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from vla_ros.core.latency import (
    Floats,
    counter_total,
    nominal_period_s,
    period_errors_s,
    rate_hz,
    stats,
)
from vla_ros.data.run_log import RunLog
from vla_ros.data.table import Table

SCHEMA = 1
CYCLE = "cycle"
_MODE_LINES = 20


def summarize(log: RunLog) -> dict[str, Any]:
    """Return everything that is known of a run, ready for JSON; None where nothing is known.

    Units are in the names; a distribution has count, mean, p50, p90, p99, p99_9 and max.
    """
    period_s = nominal_period_s(log.chunks["t_s"], log.chunks["tick"])
    errors_s = period_errors_s(log.chunks["t_s"], log.chunks["tick"], period_s)
    return {
        "schema": SCHEMA,
        "duration_s": log.duration_s,
        "rates_hz": {
            "features": _number(rate_hz(log.features["received_s"])),
            "chunks": _number(rate_hz(log.chunks["t_s"])),
            "commands": _number(rate_hz(log.commands["t_s"])),
        },
        "chunk_period": {
            "nominal_ms": _number(period_s * 1e3),
            "error_ms": _stats_ms(errors_s),
            "ticks": len(log.chunks),
            "ticks_without_chunk": _jumps(log.chunks["tick"]),
        },
        "missed": {node: counter_total(log.cycles[node]["missed"]) for node in log.nodes},
        "age_ms": _ages(log),
        "stages_ms": _stages(log),
        "cameras": _cameras(log),
        "modes": [
            {"t_s": round(m.t_s, 3), "node": m.node, "mode": m.mode, "reason": m.reason}
            for m in log.modes
        ],
        "processes": {name: _usage(table) for name, table in log.processes.items()},
        "diagnostics": log.diagnostics,
        "unreadable": dict(log.unreadable),
    }


def table(summary: Mapping[str, Any]) -> str:
    """Return a summary as lines of text, at most 100 columns wide."""
    rates, period = summary["rates_hz"], summary["chunk_period"]
    missed = ", ".join(f"{node} {n}" for node, n in summary["missed"].items()) or "nobody reported"
    lines = [
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
    for name, numbers in summary["age_ms"].items():
        if name != "views" and numbers["count"]:
            lines.append(_row(f"{name.replace('_', ' ')} at the tick", numbers))
    if summary["cameras"]:
        lines += ["", *_camera_lines(summary["cameras"])]
    if summary["processes"]:
        lines += ["", f"{'process':<34}{'CPU %':>7}{'peak MB':>10}"]
        for name, used in summary["processes"].items():
            cpu = _text(used["cpu_percent"], 1)
            lines.append(f"{name:<34}{cpu:>7}{used['rss_peak_mb']:>10.0f}")
    modes = summary["modes"]
    changes = [f"{m['t_s']:8.1f} s  {m['node']}: {m['mode']}  {m['reason']}" for m in modes]
    lines += ["", *changes[:_MODE_LINES]]
    if len(changes) > _MODE_LINES:
        lines.append(f"  and {len(changes) - _MODE_LINES} more changes of mode, in summary.json")
    return "\n".join(lines).rstrip()


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


def _cameras(log: RunLog) -> dict[str, dict[str, int]]:
    """Return by camera the images used, and the counters that diagnostics call `camera.counter`."""
    names = sorted(log.images_used.keys() | log.views.keys())
    cameras = {name: {"used": log.images_used[name]} for name in names}
    for status in log.diagnostics.values():
        for key, value in status["values"].items():
            camera, _, counter = key.rpartition(".")
            if camera in cameras and value.isdecimal():
                cameras[camera][counter] = int(value)
    for name, tokens in log.view_tokens.items():
        cameras[name]["tokens"] = tokens
    return cameras


def _camera_lines(cameras: Mapping[str, Mapping[str, int]]) -> list[str]:
    counters = list(dict.fromkeys(key for camera in cameras.values() for key in camera))
    lines = [f"{'images':<34}" + "".join(f"{counter:>12}" for counter in counters)]
    for name, camera in cameras.items():
        lines.append(f"{name:<34}" + "".join(f"{camera.get(c, '-'):>12}" for c in counters))
    return lines


def _usage(rows: Table) -> dict[str, float | None]:
    times_s, cpu_s = rows["t_s"], rows["cpu_s"]
    # A process that was restarted starts to count from zero again.
    spent_s = float(np.maximum(np.diff(cpu_s), 0.0).sum())
    elapsed_s = float(times_s[-1] - times_s[0])
    percent = 100.0 * spent_s / elapsed_s if elapsed_s > 0.0 else math.nan
    return {"cpu_percent": _number(percent), "rss_peak_mb": float(rows["rss_mb"].max())}


def _jumps(ticks: Floats) -> int:
    steps = np.diff(ticks)
    return int((steps[steps > 1] - 1).sum())


def _stats_ms(seconds: Floats) -> dict[str, Any]:
    return stats(np.asarray(seconds) * 1e3).as_dict()


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _row(name: str, numbers: Mapping[str, Any]) -> str:
    cells = "".join(f"{_text(numbers[key], 2):>10}" for key in ("p50", "p90", "p99", "max"))
    return f"{name:<34}{numbers['count']:>7}{cells}"
