"""The two pictures of a run: what happened when, and how long each stage took.

Colours are Okabe and Ito's, which people with any form of colour blindness can tell apart.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vla_ros.core.latency import Floats, counter_total, nominal_period_s, period_errors_s, stats
from vla_ros.data.run_log import ModeChange, RunLog

if TYPE_CHECKING:  # matplotlib takes half a second to import, and only a report needs it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 100
_WIDTH_IN = 14.0
_ZOOM_S = 4.0
_ZOOM_CYCLES = 3
_BLACK, _ORANGE, _SKY, _GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
_YELLOW, _BLUE, _RED, _PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
_STAGE_COLOURS = {
    "transport": "#BBBBBB",
    "sync": _PURPLE,
    "decode": _ORANGE,
    "preprocess": _GREEN,
    "vision": _BLUE,
    "language": _SKY,
    "publish": _BLACK,
}
_OTHER_COLOUR = "#777777"
_GRID_COLOUR = "#E5E5E5"
_NODE_COLOURS = {"vl_encoder": _BLUE, "action": _RED, "command": _GREEN}
_MODE_COLOURS = {"WAITING": "#DDDDDD", "SLOWED": _ORANGE, "HOLD": _PURPLE}
_LANES = ("encode", "tick", "command")
_MAX_MARKS = 5000
_MAX_DOTS = 400
_SHORTEST_MS = 0.01


def draw_timeline(log: RunLog, path: Path) -> None:
    """Draw encodes and ticks on one time axis, the features' age and the commands' speed."""
    figure = _figure(10.0)
    grid = figure.add_gridspec(4, 1, height_ratios=[1.4, 0.7, 1.3, 1.1])
    zoom, overview = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    age = figure.add_subplot(grid[2], sharex=overview)
    speed = figure.add_subplot(grid[3], sharex=overview)
    start_s, end_s = _zoom_window(log)
    _draw_zoom(zoom, log, start_s, end_s)
    _draw_overview(overview, log)
    _draw_age(age, log)
    _draw_speed(speed, log)
    figure.suptitle(_headline(log), fontsize=11)
    for axes in (overview, age, speed):
        axes.axvspan(start_s, end_s, color=_YELLOW, alpha=0.3, linewidth=0, zorder=0)
    overview.set_xlim(0.0, max(log.duration_s, 1e-3))
    overview.tick_params(labelbottom=False)
    age.tick_params(labelbottom=False)
    speed.set_xlabel("time since the first message [s]   (yellow: the window above)")
    figure.savefig(path)


def draw_latency(log: RunLog, path: Path) -> None:
    """Draw the distribution of every stage, of the tick's error and of the features' age."""
    rows = _latency_rows(log)
    figure = _figure(1.6 + 0.36 * max(len(rows), 3))
    axes = figure.add_subplot()
    axes.set_xscale("log")
    rng = np.random.default_rng(0)
    for y, (_name, milliseconds, colour) in enumerate(rows):
        _draw_distribution(axes, y, milliseconds, colour, rng)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(left=_SHORTEST_MS)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("[ms]")
    axes.set_title(
        "box: p50 to p90     line: to p99     cross: maximum     dots: single cycles", fontsize=11
    )
    axes.grid(axis="x", color=_GRID_COLOUR, linewidth=0.6)
    axes.set_axisbelow(True)
    figure.savefig(path)


def _figure(height_in: float) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _zoom_window(log: RunLog) -> tuple[float, float]:
    """Return a few seconds, or a few encodes, from the middle of what the nodes did."""
    length_s = _ZOOM_S
    if "vl_encoder" in log.cycles and len(log.cycles["vl_encoder"]) > 1:
        between_s = np.diff(log.cycles["vl_encoder"]["t_s"])
        length_s = max(length_s, _ZOOM_CYCLES * float(np.median(between_s)))
    length_s = min(length_s, max(log.duration_s, 1e-3))
    begun_s = [log.cycles[node]["t_s"][0] for node in log.nodes]
    middle_s = (max(begun_s, default=0.0) + log.duration_s) / 2
    start_s = min(max(middle_s - length_s / 2, 0.0), log.duration_s - length_s)
    return start_s, start_s + length_s


def _draw_zoom(axes: "Axes", log: RunLog, start_s: float, end_s: float) -> None:
    def within(times_s: Floats) -> Floats:
        inside: Floats = times_s[(times_s >= start_s) & (times_s <= end_s)]
        return inside

    colours: dict[str, str] = {}
    for (node, stage), rows in log.stages.items():
        if node == "vl_encoder":
            colours[stage] = _STAGE_COLOURS.get(stage, _OTHER_COLOUR)
            _bars(axes, 0, rows["t_s"] + rows["start_s"], rows["duration_s"], colours[stage])
    if "action" in log.cycles:
        ticks = log.cycles["action"]
        _bars(axes, 1, ticks["t_s"], ticks["duration_s"], _RED)
        _marks(axes, 1, within(ticks["t_s"]), _RED)  # a bar narrower than a pixel may vanish
    _marks(axes, 2, within(log.commands["t_s"]), _GREEN)
    captures_s = within(log.features["stamp_s"])
    axes.plot(captures_s, np.full(len(captures_s), -0.5), "v", color=_BLACK, markersize=7)
    axes.set_yticks(range(len(_LANES)), _LANES)
    axes.set_ylim(len(_LANES) - 0.5, -0.75)
    axes.set_xlim(start_s, end_s)
    axes.set_xlabel("[s]   (triangles: when the oldest image of a set was captured)")
    _legend(axes, list(colours.items()))


def _draw_overview(axes: "Axes", log: RunLog) -> None:
    if "vl_encoder" in log.cycles:
        encodes = log.cycles["vl_encoder"]
        _bars(axes, 0, encodes["t_s"], encodes["duration_s"], _BLUE)
        _marks(axes, 0, encodes["t_s"], _BLACK)
    _marks(axes, 1, log.chunks["t_s"], _RED)
    axes.set_yticks([0, 1], _LANES[:2])
    axes.set_ylim(1.5, -0.5)


def _draw_age(axes: "Axes", log: RunLog) -> None:
    """Draw the age of the features at each tick, and the time when the robot held back."""
    axes.plot(log.chunks["t_s"], log.chunks["features_age_s"] * 1e3, color=_BLUE, linewidth=1)
    _legend(axes, _draw_modes(axes, log))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("features' age at the tick [ms]")
    axes.grid(color=_GRID_COLOUR, linewidth=0.6)


def _draw_modes(axes: "Axes", log: RunLog) -> list[tuple[str, str]]:
    """Shade the time when the robot was not simply running; return the modes and colours used."""
    moving = [m for m in log.modes if "command" in m.node] or list(log.modes)
    ends = [*moving[1:], ModeChange(log.duration_s, "", "", "")]
    drawn = {}
    for begin, end in zip(moving, ends, strict=False):
        if begin.mode in _MODE_COLOURS:
            drawn[begin.mode] = colour = _MODE_COLOURS[begin.mode]
            axes.axvspan(begin.t_s, end.t_s, color=colour, alpha=0.35, linewidth=0, zorder=0)
    return list(drawn.items())


def _draw_speed(axes: "Axes", log: RunLog) -> None:
    unit, scale = ("mm/s", 1e3) if log.speed_unit == "m/s" else (log.speed_unit, 1.0)
    axes.plot(log.commands["t_s"], log.commands["speed"] * scale, color=_GREEN, linewidth=1)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(f"commanded speed [{unit}]")
    axes.grid(color=_GRID_COLOUR, linewidth=0.6)


def _bars(axes: "Axes", lane: int, starts_s: Floats, durations_s: Floats, colour: str) -> None:
    spans = list(zip(starts_s, durations_s, strict=True))
    axes.broken_barh(spans, (lane - 0.35, 0.7), facecolors=colour, linewidth=0)


def _marks(axes: "Axes", lane: int, times_s: Floats, colour: str) -> None:
    """Draw one upright line an event, and of very many every second, third ..."""
    times_s = times_s[:: len(times_s) // _MAX_MARKS + 1]
    axes.vlines(times_s, lane - 0.35, lane + 0.35, colors=colour, linewidth=0.8)


def _legend(axes: "Axes", named: list[tuple[str, str]]) -> None:
    """Name the colours in a line above the axes."""
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=colour, label=name) for name, colour in named]
    if handles:
        axes.legend(
            handles=handles,
            ncols=len(handles),
            loc="lower right",
            bbox_to_anchor=(1, 1),
            fontsize=9,
            frameon=False,
            borderaxespad=0.1,
        )


def _headline(log: RunLog) -> str:
    missed = {node: counter_total(log.cycles[node]["missed"]) for node in log.nodes}
    told = "   ".join(f"{node} missed {count}" for node, count in missed.items())
    return (
        f"{log.duration_s:.0f} s   {len(log.features)} encodes   {len(log.chunks)} ticks   "
        f"{len(log.commands)} commands   {told}"
    )


def _latency_rows(log: RunLog) -> list[tuple[str, Floats, str]]:
    """Return name, milliseconds and colour of every line of the picture, top to bottom."""
    rows: list[tuple[str, Floats, str]] = []
    for node in log.nodes:
        colour = _NODE_COLOURS.get(node, _OTHER_COLOUR)
        own = {stage: table for (owner, stage), table in log.stages.items() if owner == node}
        for stage, table in own.items():
            rows.append((f"{node}  {stage}", table["duration_s"] * 1e3, colour))
        if len(own) > 1:
            rows.append((f"{node}  whole cycle", log.cycles[node]["duration_s"] * 1e3, colour))
    times_s, ticks = log.chunks["t_s"], log.chunks["tick"]
    errors_s = period_errors_s(times_s, ticks, nominal_period_s(times_s, ticks))
    rows.append(("error of the tick's period", errors_s * 1e3, _BLACK))
    rows.append(("age of the features at the tick", log.chunks["features_age_s"] * 1e3, _BLACK))
    return rows


def _draw_distribution(
    axes: "Axes", y: int, milliseconds: Floats, colour: str, rng: np.random.Generator
) -> None:
    found = stats(milliseconds)
    if not found.count or found.max <= 0.0:  # a logarithmic axis has no zero
        return
    positive = milliseconds[np.isfinite(milliseconds) & (milliseconds > 0.0)]
    dots = rng.choice(positive, min(len(positive), _MAX_DOTS), replace=False)
    heights = y + rng.uniform(-0.28, 0.28, len(dots))
    opacity = min(max(50 / len(dots), 0.25), 0.9)
    axes.plot(dots, heights, ".", color=colour, alpha=opacity, markersize=4, markeredgewidth=0)
    low = max(found.p50, float(positive.min()))
    axes.barh(y, found.p90 - low, left=low, height=0.5, color=colour, alpha=0.55)
    axes.plot([found.p90, found.p99], [y, y], color=colour, linewidth=2)
    axes.plot([low, low], [y - 0.3, y + 0.3], color=colour, linewidth=2.5)
    axes.plot(found.max, y, "x", color=colour, markersize=6)
    text = f"p50 {found.p50:.2f}   p99 {found.p99:.2f}   max {found.max:.2f}"
    axes.text(1.01, y, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
