"""The picture of what was measured: a bar for each configuration, in the order of the table.

Colours are Okabe and Ito's, which people with any form of colour blindness can tell apart.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vla_ros.benchmark.measure import TOTAL, Result
from vla_ros.benchmark.table import labels

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes

_COLOURS = {"vl_per_tick": "#0072B2", "sensor": "#E69F00", "state": "#009E73", "action": "#D55E00"}
_NAMES = {"vl_per_tick": "vision-language encode, a tick's part", "state": "robot states"}
_GREY, _SKY = "#999999", "#56B4E9"
_GRID = "#E5E5E5"


def draw(results: Sequence[Result], path: Path) -> None:
    """Draw time a tick, the action side alone, and memory, side by side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height_in = 2.0 + 0.34 * len(results)
    figure = Figure(figsize=(16.0, height_in), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    whole, action, memory = figure.subplots(1, 3, sharey=True, width_ratios=[1.3, 1.0, 0.8])
    places = _places(results)
    _stack(whole, results, places, tuple(_COLOURS))
    totals = [result.mean_ms(TOTAL) for result in results]
    for place, result, total in zip(places, results, totals, strict=True):
        _write(whole, place, total, f"{total:.1f} ms, {result.fps:.2f} a second")
    whole.set_title("a tick: encode (over its ticks), sensor, states, action", fontsize=10)
    _stack(action, results, places, ("sensor", "state", "action"))
    for place, result in zip(places, results, strict=True):
        alone = sum(result.mean_ms(stage) for stage in ("sensor", "state", "action"))
        _write(action, place, alone, f"{alone:.2f} ms")
    action.set_title("the same without the encode", fontsize=10)
    _draw_memory(memory, results, places)
    whole.set_yticks(places, labels(results))
    whole.invert_yaxis()
    for axes, unit in ((whole, "mean [ms]"), (action, "mean [ms]"), (memory, "[MB]")):
        axes.set_xlabel(unit)
        axes.grid(axis="x", color=_GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlim(0, axes.get_xlim()[1] * 1.45)  # room for what is written behind the bars
    handles, names = whole.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    models = dict.fromkeys(f"{r.configuration.model} {r.about['model_id']}" for r in results)
    about = results[0].about
    figure.supxlabel(f"{about['device']}, {about['dtype']}: {', '.join(models)}", fontsize=9)
    figure.savefig(path)


def _places(results: Sequence[Result]) -> list[float]:
    """Return where each bar stands, with a gap between comparisons."""
    places: list[float] = []
    for number, result in enumerate(results):
        new = number > 0 and result.comparison != results[number - 1].comparison
        places.append((places[-1] + 1.0 if places else 0.0) + 0.6 * new)
    return places


def _stack(
    axes: "Axes", results: Sequence[Result], places: Sequence[float], stages: Sequence[str]
) -> None:
    left = [0.0] * len(results)
    for stage in stages:
        times = [result.mean_ms(stage) for result in results]
        name = _NAMES.get(stage, stage)
        axes.barh(places, times, 0.7, left, color=_COLOURS[stage], label=name)
        left = [start + time for start, time in zip(left, times, strict=True)]


def _draw_memory(axes: "Axes", results: Sequence[Result], places: Sequence[float]) -> None:
    axes.set_title("peak memory (grey: in use before)", fontsize=10)
    if not all(math.isfinite(result.peak_mb) for result in results):
        axes.text(0.5, 0.5, "not told by this system", ha="center", transform=axes.transAxes)
        return
    before = [result.memory_mb["before"] for result in results]
    axes.barh(places, before, 0.7, color=_GREY)
    axes.barh(places, [result.working_mb for result in results], 0.7, before, color=_SKY)
    for place, result in zip(places, results, strict=True):
        _write(axes, place, result.peak_mb, f"{result.peak_mb:.0f} (+{result.working_mb:.0f})")


def _write(axes: "Axes", place: float, at: float, text: str) -> None:
    axes.annotate(text, (at, place), (4, 0), textcoords="offset points", va="center", fontsize=8)
