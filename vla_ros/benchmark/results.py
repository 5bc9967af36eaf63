"""Writes what was measured: a table for spreadsheets, and all of it as JSON."""

import csv
import json
import math
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vla_ros import __version__
from vla_ros.benchmark.measure import TOTAL, Result
from vla_ros.core.latency import stats

SCHEMA = 1
TYPES = {"regression": "regression", "flow": "flow_matching"}  # heads, as they are reported
# A report of a policy of this kind on a CUDA GPU: Qwen2.5-VL-3B, five views, encode and act in turn
# [ms]. It stands beside ours for scale: neither the machine nor the weights are the same.
REFERENCE_ON = "Qwen2.5-VL-3B, five views, a CUDA GPU"
REFERENCE_MS = {
    "regression": {"vl": 1452.82, "sensor": 6.63, "action": 4.34, "total": 1463.78},
    "flow": {"vl": 1459.15, "sensor": 8.26, "action": 32.29, "total": 1499.70},
}
_VERSIONS = ("torch", "transformers", "numpy")


def write_results(results: Sequence[Result], folder: Path, settings: Mapping[str, Any]) -> None:
    """Write comparison.csv, and a JSON file for each head that was measured."""
    with (folder / "comparison.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [row(result) for result in results]
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    for head, name in TYPES.items():
        if own := [result for result in results if result.configuration.head == head]:
            text = json.dumps(_finite(document(head, own, settings)), indent=1) + "\n"
            (folder / f"{name}_results.json").write_text(text, encoding="utf-8")


def row(result: Result) -> dict[str, Any]:
    """Return a line of comparison.csv; times are means, but where the column says otherwise."""
    c, about, total = result.configuration, result.about, stats(result.samples_ms[TOTAL])
    times = {
        "VL (ms)": result.mean_ms("vl"),
        "Sensor (ms)": result.mean_ms("sensor"),
        "Action (ms)": result.mean_ms("action"),
        "Total (ms)": result.mean_ms(TOTAL),
        "FPS": result.fps,
        "State (ms)": result.mean_ms("state"),
        "VL per tick (ms)": result.mean_ms("vl_per_tick"),
        "Preprocess (ms)": result.mean_ms("preprocess"),
        "Vision (ms)": result.mean_ms("vision"),
        "Language (ms)": result.mean_ms("language"),
        "Total p50 (ms)": total.p50,
        "Total p90 (ms)": total.p90,
        "Total p99 (ms)": total.p99,
    }
    rest = {
        "Comparison": result.comparison,
        "Views": c.views,
        "Resolution": c.resolution,
        "Layout": c.layout,
        "Reuse": c.reuse,
        "Batch": c.batch,
        "Tokens": about["tokens"],
        "Sensor": c.sensor,
        "Robot states": c.robot_states,
        "Peak memory (MB)": f"{result.peak_mb:.1f}",
        "Working memory (MB)": f"{result.working_mb:.1f}",
        "Iterations": total.count,
        "Device": about["device"],
        "Dtype": about["dtype"],
    }
    named = {"Model": c.model, "Type": TYPES[c.head]}
    return named | {name: f"{value:.2f}" for name, value in times.items()} | rest


def document(head: str, results: Sequence[Result], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a JSON file holds: see docs/benchmark.md."""
    return {
        "schema_version": SCHEMA,
        "type": TYPES[head],
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": dict(settings),
        "versions": versions(),
        "git": git(Path(__file__).parent),
        "machine": {"platform": platform.platform(), "cpu": _processor()},
        "reference_ms": REFERENCE_MS[head] | {"measured_on": REFERENCE_ON},
        "results": [
            {
                "comparison": result.comparison,
                "configuration": result.configuration.as_dict(),
                **result.about,
                "fps": result.fps,
                "stages_ms": result.stages(),
                "memory_mb": result.memory_mb,
                "image_hashes": result.image_hashes,
            }
            for result in results
        ],
    }


def versions() -> dict[str, str]:
    """Return what this was measured with."""
    own = {"vla_ros": __version__, "python": platform.python_version()}
    return own | {name: version(name) for name in _VERSIONS}


def git(folder: Path) -> dict[str, Any] | None:
    """Return the commit of the sources and whether they differ from it; None if there is none."""

    def ask(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "changed": bool(ask("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(named)} x {named[0]}" if named else platform.processor()


def _finite(value: Any) -> Any:
    """Return the value with None for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
