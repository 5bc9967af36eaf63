"""Measures the graph beside the naive single loop: commands a second, on the same robot.

Both run in turn, as often as asked for, on the simulation with the same checkpoint; each run is a
launch of its own, recorded by the same profiler.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from vla_ros.core.errors import VlaError
from vla_ros.replay.graph import run_graph

LOOPS = ("naive", "graph")


def measure(loop: str, seconds: float, folder: Path, options: Sequence[str]) -> dict[str, Any]:
    """Run one loop for `seconds` and return its summary.

    Raises:
        VlaError: the launch failed, with the end of what it printed.
    """
    run_graph([f"loop:={loop}", f"duration_s:={seconds}", f"output_dir:={folder}", *options])
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary


def compare(seconds: float, repeats: int, folder: Path, options: Sequence[str]) -> dict[str, Any]:
    """Run both loops in turn; return the commands a second of each run, and their ratio."""
    rates: dict[str, list[float]] = {loop: [] for loop in LOOPS}
    for repeat in range(repeats):
        for loop in LOOPS:
            summary = measure(loop, seconds, folder / f"{loop}-{repeat}", options)
            rates[loop].append(summary["rates_hz"]["commands"])
            print(f"{loop}: {rates[loop][-1]:.2f} commands/s", flush=True)
    middle = {loop: median(values) for loop, values in rates.items()}
    return {
        "naive_hz": middle["naive"],
        "graph_hz": middle["graph"],
        "ratio": middle["graph"] / middle["naive"],
        "runs_hz": rates,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Compare; the last line on stdout is JSON."""
    parser = argparse.ArgumentParser(prog="compare_loops", description=__doc__)
    parser.add_argument("--seconds", type=float, default=25.0, help="of each run (default 25)")
    parser.add_argument("--repeats", type=int, default=2, help="runs of each loop (default 2)")
    parser.add_argument("--output-dir", type=Path, help="keep the runs' reports here")
    parser.add_argument(
        "options", nargs="*", metavar="NAME:=VALUE", help="more arguments of realtime.launch.py"
    )
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.output_dir or Path(scratch)
        try:
            print(json.dumps(compare(args.seconds, args.repeats, folder, args.options)))
        except VlaError as error:
            print(f"compare_loops: {error}", file=sys.stderr)
            return 1
    return 0
