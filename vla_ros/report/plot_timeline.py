"""What happened when: a few seconds closely, and the whole run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vla_ros.core.latency import Floats
from vla_ros.data.run_log import ModeChange, RunLog
from vla_ros.report.plot_style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    name_colours,
)

if TYPE_CHECKING:  # matplotlib takes half a second to import, and only a report needs it
    from matplotlib.axes import Axes

_ZOOM_S = 4.0
_ZOOM_CYCLES = 3
_STAGE_COLOURS = {
    "transport": GREY,
    "sync": PURPLE,
    "decode": ORANGE,
    "preprocess": GREEN,
    "vision": BLUE,
    "language": SKY,
    "publish": INK,
}
_MODE_COLOURS = {"WAITING": GREY, "SLOWED": ORANGE, "HOLD": PURPLE}
_LANES = ("encode", "tick", "command")
# A picture is a thousand pixels wide: more pieces than this tell nothing more.
_PIECES = 1000


def zoom_window(log: RunLog) -> tuple[float, float]:
    """Return start and end [s] of a few encodes, or else a few seconds, from the run's middle."""
    length_s, middle_s = _ZOOM_S, log.duration_s / 2
    if "vl_encoder" in log.cycles:
        begun_s = log.cycles["vl_encoder"]["t_s"]
        middle_s = float(begun_s[len(begun_s) // 2])
        if len(begun_s) > 1:
            length_s = max(length_s, _ZOOM_CYCLES * float(np.median(np.diff(begun_s))))
    length_s = min(length_s, max(log.duration_s, 1e-3))
    start_s = min(max(middle_s - length_s / 2, 0.0), max(log.duration_s - length_s, 0.0))
    return start_s, start_s + length_s


def draw_zoom(axes: "Axes", log: RunLog, start_s: float, end_s: float) -> None:
    """Draw the stages of each encode, and when ticks and commands happened."""
    colours: dict[str, str] = {}
    window_s = start_s, end_s
    for (node, stage), rows in log.stages.items():
        if node == "vl_encoder":
            colours[stage] = _STAGE_COLOURS.get(stage, MUTED)
            begun_s = rows["t_s"] + rows["start_s"]
            _bars(axes, 0, begun_s, rows["duration_s"], colours[stage], window_s)
    if "action" in log.cycles:
        ticks = log.cycles["action"]
        _bars(axes, 1, ticks["t_s"], ticks["duration_s"], RED, window_s)
        _marks(axes, 1, ticks["t_s"], RED, window_s)  # a bar narrower than a pixel may vanish
    _marks(axes, 2, log.commands["t_s"], GREEN, window_s)
    captures_s = _within(log.features["stamp_s"], window_s)
    axes.plot(captures_s, np.full(len(captures_s), -0.5), "v", color=INK, markersize=5)
    _lanes(axes, _LANES)
    axes.set_ylim(len(_LANES) - 0.5, -0.75)
    axes.set_xlim(start_s, end_s)
    axes.set_xlabel("[s]   triangles: when the oldest image of a set was captured")
    name_colours(axes, colours)


def draw_overview(below: "Sequence[Axes]", log: RunLog, window_s: tuple[float, float]) -> None:
    """Draw encodes, the features' age, the ticks' distance and the speed over the whole run."""
    encodes, age, period, speed = below
    whole_s = 0.0, max(log.duration_s, 1e-3)
    if "vl_encoder" in log.cycles:
        rows = log.cycles["vl_encoder"]
        _bars(encodes, 0, rows["t_s"], rows["duration_s"], BLUE, whole_s)
        _marks(encodes, 0, rows["t_s"], INK, whole_s)
    _lanes(encodes, _LANES[:1])
    encodes.set_ylim(0.5, -0.5)
    encodes.set_title("the whole run   (yellow: the seconds above)")
    curve(age, log.chunks["t_s"], log.chunks["features_age_s"] * 1e3, BLUE)
    age.set_ylabel("features' age\nat the tick [ms]")
    times_s = log.chunks["t_s"]
    curve(period, times_s[1:], np.diff(times_s) * 1e3, RED)
    period.set_ylabel("from tick\nto tick [ms]")
    unit, scale = ("mm/s", 1e3) if log.speed_unit == "m/s" else (log.speed_unit, 1.0)
    curve(speed, log.commands["t_s"], log.commands["speed"] * scale, GREEN)
    speed.set_ylabel(f"commanded\nspeed [{unit}]")
    speed.set_xlabel("time since the first message [s]")
    speed.set_xlim(whole_s)
    for axes in below:
        axes.axvspan(*window_s, color=YELLOW, alpha=0.3, linewidth=0, zorder=0)
    for axes in below[:-1]:
        axes.tick_params(labelbottom=False)
    for axes in below[1:]:
        name_colours(axes, shade_modes(axes, log) if axes is age else {})
        axes.set_ylim(0.0, axes.get_ylim()[1] * 1.05)
        axes.grid()


def thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return a curve of so many points as a picture can show, its peaks and dips among them."""
    stride = len(x) // _PIECES
    if stride < 2:
        return x, y
    blocks = np.nan_to_num(y[: len(y) // stride * stride].reshape(-1, stride))
    first = np.arange(len(blocks)) * stride
    kept = np.concatenate([first + blocks.argmin(1), first + blocks.argmax(1), [len(x) - 1]])
    kept = np.unique(kept)
    return x[kept], y[kept]


def curve(axes: "Axes", x: Floats, y: Floats, colour: str) -> None:
    """Draw a curve, thinned where it has more points than the picture."""
    axes.plot(*thinned(x, y), color=colour, linewidth=1)


def shade_modes(axes: "Axes", log: RunLog) -> dict[str, str]:
    """Shade the time when the robot was not simply running; return the modes and colours used."""
    moving = [m for m in log.modes if "command" in m.node] or list(log.modes)
    ends = [*moving[1:], ModeChange(log.duration_s, "", "", "")]
    drawn = {}
    for begin, end in zip(moving, ends, strict=False):
        if begin.mode in _MODE_COLOURS:
            drawn[begin.mode] = colour = _MODE_COLOURS[begin.mode]
            axes.axvspan(begin.t_s, end.t_s, color=colour, alpha=0.35, linewidth=0, zorder=0)
    return drawn


def _within(times_s: Floats, window_s: tuple[float, float]) -> Floats:
    inside: Floats = times_s[(times_s >= window_s[0]) & (times_s <= window_s[1])]
    return inside


def _lanes(axes: "Axes", names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)


def _bars(
    axes: "Axes",
    lane: int,
    starts_s: Floats,
    durations_s: Floats,
    colour: str,
    window_s: tuple[float, float],
) -> None:
    shown = (starts_s + durations_s >= window_s[0]) & (starts_s <= window_s[1])
    spans = list(zip(starts_s[shown], durations_s[shown], strict=True))
    spans = spans[:: len(spans) // _PIECES + 1]
    axes.broken_barh(spans, (lane - 0.35, 0.7), facecolors=colour, linewidth=0)


def _marks(
    axes: "Axes", lane: int, times_s: Floats, colour: str, window_s: tuple[float, float]
) -> None:
    """Draw one upright line an event, all as one curve; of very many every second, third ..."""
    times_s = _within(times_s, window_s)
    times_s = times_s[:: len(times_s) // _PIECES + 1]
    x = np.repeat(times_s, 3)
    y = np.tile([lane - 0.35, lane + 0.35, np.nan], len(times_s))
    axes.plot(x, y, color=colour, linewidth=0.8)
