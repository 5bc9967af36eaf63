"""What the nodes of a running launch use of the processor while the bag plays.

Read from the operating system, not through ROS: what is measured without the profiler must not
need another listener in its place.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from vla_ros.data.run_log import BAG_OVER

# What the bag source logs when it begins, and when it is through.
BEGINS, ENDS = "-> RUNNING: plays ", f"RUNNING: {BAG_OVER}"
NODES = ("vl_encoder", "action", "command", "profiler", "bag_source")
# The recording may cost the node that ticks this much of its period.
AIM_PERCENT = 1.0
Shares = Mapping[str, float]


class CpuWatch:
    """Reads CPU times when the bag begins and when it is over; follows a launch's lines."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._samples: list[tuple[float, dict[str, float]]] = []

    def __call__(self, line: str, pid: int) -> None:
        """Look at a line of the launch `pid`."""
        if BEGINS in line or ENDS in line:
            self._samples.append((time.monotonic(), cpu_seconds(pid)))

    def shares(self) -> dict[str, float]:
        """Return the share of a core that each node used, empty if the bag was not played."""
        if len(self._samples) < 2:
            return {}
        (begin_s, before), (end_s, after) = self._samples[0], self._samples[-1]
        used = {name: after[name] - before[name] for name in before if name in after}
        return {name: spent_s / (end_s - begin_s) for name, spent_s in used.items()}


def cpu_seconds(launch_pid: int) -> dict[str, float]:
    """Return the CPU time of each node below a launch so far."""
    found: dict[str, float] = {}
    for process in psutil.Process(launch_pid).children(recursive=True):
        try:
            names = {Path(word).name for word in process.cmdline()[:2]} & set(NODES)
            times = process.cpu_times()
        except psutil.Error:  # it has just ended
            continue
        found |= {name: times.user + times.system for name in names}
    return found


def profiler_cost(on: Sequence[Shares], off: Sequence[Shares]) -> dict[str, Any]:
    """Return what the profiler costs: its own CPU, and what each node uses more beside it.

    The action node's CPU is a share of the time; of each of its periods the same share.
    """
    nodes = sorted({name for shares in (*on, *off) for name in shares})
    percents = {
        node: {
            side: [100.0 * shares[node] for shares in runs if node in shares]
            for side, runs in (("on", on), ("off", off))
        }
        for node in nodes
    }
    action = percents.get("action", {"on": [], "off": []})
    known = bool(action["on"] and action["off"])
    more = median(action["on"]) - median(action["off"]) if known else None
    return {
        "action_period_percent": more,
        "aim_percent": AIM_PERCENT,
        "cpu_percent": percents,
    }
