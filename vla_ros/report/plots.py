"""The pictures of a run: what happened when, how long each stage took, what it cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vla_ros.core.latency import Floats, counter_total, nominal_period_s, period_errors_s, stats
from vla_ros.data.run_log import RunLog
from vla_ros.report.plot_style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    RED,
    SERIES,
    name_colours,
    new_figure,
    styled,
)
from vla_ros.report.plot_timeline import draw_overview, draw_zoom, zoom_window

if TYPE_CHECKING:  # matplotlib takes half a second to import, and only a report needs it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NODE_COLOURS = {"vl_encoder": BLUE, "action": RED, "command": GREEN}
_MAX_DOTS = 120
_SHORTEST_MS = 0.01
_ROW_IN = 0.27

# Name, milliseconds and colour of a line of a picture of distributions.
Row = tuple[str, Floats, str]


@styled()
def timeline(log: RunLog) -> "Figure":
    """Draw a few seconds closely, and below them the whole run on one time axis."""
    figure = new_figure(9.0)
    grid = figure.add_gridspec(5, 1, height_ratios=[1.5, 0.45, 1.2, 0.8, 1.0])
    window_s = zoom_window(log)
    draw_zoom(figure.add_subplot(grid[0]), log, *window_s)
    below = [figure.add_subplot(grid[1])]
    below += [figure.add_subplot(grid[row], sharex=below[0]) for row in (2, 3, 4)]
    draw_overview(below, log, window_s)
    figure.suptitle(_headline(log), fontsize=9.5)
    return figure


@styled()
def latency(log: RunLog) -> "Figure":
    """Draw the distribution of every stage, of the tick's error and of the features' age."""
    return _distributions(latency_rows(log))


@styled()
def latencies_of(runs: Sequence[tuple[str, RunLog]]) -> "Figure":
    """Draw the distributions of several runs (name and log), the runs of a stage together."""
    found = [{name: values for name, values, _ in latency_rows(log)} for _, log in runs]
    names = list(dict.fromkeys(name for rows in found for name in rows))
    rows: list[Row] = []
    for name in names:
        for index, ((label, _), values) in enumerate(zip(runs, found, strict=True)):
            text = f"{name}   {label}" if index == 0 else label
            colour = SERIES[index % len(SERIES)]
            rows.append((text, values.get(name, np.empty(0)), colour))
    return _distributions(rows, band=len(runs))


@styled()
def processes(log: RunLog) -> "Figure | None":
    """Draw CPU and memory of each process over time; None where nothing is known of any."""
    known = {name: rows for name, rows in log.processes.items() if len(rows) > 1}
    if not known:
        return None
    figure = new_figure(3.6)
    cpu, memory = figure.subplots(2, 1, sharex=True)
    colours = dict(zip(known, SERIES * (len(known) // len(SERIES) + 1), strict=False))
    for name, rows in known.items():
        times_s, colour = rows["t_s"], colours[name]
        elapsed_s = np.maximum(np.diff(times_s), 1e-9)
        percent = np.maximum(np.diff(rows["cpu_s"]), 0.0) / elapsed_s * 100.0
        cpu.plot(times_s[1:], percent, color=colour, linewidth=1)
        memory.plot(times_s, rows["rss_mb"], color=colour, linewidth=1)
    for axes, label in ((cpu, "CPU\n[% of a core]"), (memory, "memory\n[MB]")):
        axes.set_ylim(bottom=0)
        axes.set_ylabel(label)
        axes.grid()
    memory.set_xlim(0.0, max(log.duration_s, 1e-3))
    memory.set_xlabel("time since the first message [s]")
    name_colours(cpu, colours)
    return figure


def latency_rows(log: RunLog) -> list[Row]:
    """Return every line of the picture of latencies, top to bottom."""
    rows: list[Row] = []
    for node in log.nodes:
        colour = _NODE_COLOURS.get(node, MUTED)
        own = {stage: table for (owner, stage), table in log.stages.items() if owner == node}
        for stage, table in own.items():
            rows.append((f"{node}  {stage}", table["duration_s"] * 1e3, colour))
        if len(own) > 1:
            rows.append((f"{node}  whole cycle", log.cycles[node]["duration_s"] * 1e3, colour))
    times_s, ticks = log.chunks["t_s"], log.chunks["tick"]
    errors_s = period_errors_s(times_s, ticks, nominal_period_s(times_s, ticks))
    rows.append(("error of the tick's period", errors_s * 1e3, INK))
    rows.append(("age of the features at the tick", log.chunks["features_age_s"] * 1e3, INK))
    return rows


def _headline(log: RunLog) -> str:
    missed = {node: counter_total(log.cycles[node]["missed"]) for node in log.nodes}
    told = "   ".join(f"{node} missed {count}" for node, count in missed.items())
    return (
        f"{log.duration_s:.0f} s   {len(log.features)} encodes   {len(log.chunks)} ticks   "
        f"{len(log.commands)} commands   {told}"
    )


def _distributions(rows: Sequence[Row], band: int = 0) -> "Figure":
    """Draw a line a row; every other `band` of them is on a shade, to keep them together."""
    figure = new_figure(0.9 + _ROW_IN * max(len(rows), 3))
    axes = figure.add_subplot()
    axes.set_xscale("log")
    rng = np.random.default_rng(0)
    for y, (_name, milliseconds, colour) in enumerate(rows):
        if band and y % (2 * band) == 0:
            axes.axhspan(y - 0.5, y + band - 0.5, color=MUTED, alpha=0.08, linewidth=0, zorder=0)
        _distribution(axes, y, milliseconds, colour, rng)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(max(len(rows), 3) - 0.4, -0.6)
    axes.set_xlim(left=_SHORTEST_MS)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("[ms]")
    axes.set_title("box: p50 to p90     line: to p99     cross: maximum     dots: single cycles")
    axes.grid(axis="x")
    return figure


def _distribution(
    axes: "Axes", y: int, milliseconds: Floats, colour: str, rng: np.random.Generator
) -> None:
    found = stats(milliseconds)
    if not found.count or found.max <= 0.0:  # a logarithmic axis has no zero
        return
    positive = milliseconds[np.isfinite(milliseconds) & (milliseconds > 0.0)]
    dots = rng.choice(positive, min(len(positive), _MAX_DOTS), replace=False)
    heights = y + rng.uniform(-0.28, 0.28, len(dots))
    axes.plot(dots, heights, ".", color=colour, alpha=0.5, markersize=3, markeredgewidth=0)
    low = max(found.p50, float(positive.min()))
    axes.barh(y, found.p90 - low, left=low, height=0.5, color=colour, alpha=0.5)
    axes.plot([found.p90, found.p99], [y, y], color=colour, linewidth=2)
    axes.plot([low, low], [y - 0.3, y + 0.3], color=colour, linewidth=2.5)
    axes.plot(found.max, y, "x", color=colour, markersize=5)
    text = f"p50 {found.p50:.2f}   p99 {found.p99:.2f}   max {found.max:.2f}"
    beside = axes.get_yaxis_transform()
    axes.text(1.01, y, text, transform=beside, va="center", fontsize=7.5, color=MUTED)
