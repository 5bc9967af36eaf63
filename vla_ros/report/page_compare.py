"""The page that holds several runs against the first of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vla_ros.data.run_log import RunLog
from vla_ros.report.measures import Measure, measures
from vla_ros.report.page_parts import (
    Html,
    chart,
    details,
    document,
    element,
    flat,
    link,
    number,
    section,
    sign,
    table,
)
from vla_ros.report.verdict import Verdict

# Two runs of the same thing differ by about so much; less is not called better or worse.
_SAME = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """One of the runs; its own page is in `folder`."""

    name: str
    folder: Path
    log: RunLog
    summary: Mapping[str, Any]
    found: Verdict


def compare_page(runs: Sequence[Run], where: Path, latencies: str) -> str:
    """Return the page of several runs as HTML that needs no other file.

    Args:
        runs: the first is what the others are held against.
        where: the folder that the page will be in, for its links to the runs' pages.
        latencies: an SVG of their latency distributions.
    """
    names = " and ".join(run.name for run in runs[:2]) if len(runs) == 2 else f"{len(runs)} runs"
    caption = (
        "The same stages of each run, one below the other. Dots are single cycles; the axis is "
        "logarithmic."
    )
    return document(
        f"{names} compared",
        element("header", element("h1", f"{names} compared")),
        section("verdicts", "Verdicts", _verdicts(runs, where)),
        section("measures", "Measures", _measures(runs)),
        section("latency", "Latency", chart(latencies, caption)),
        section("differences", "What was different", _differences(runs)),
        element("footer", "Milliseconds unless another unit is named."),
    )


def ratio(value: float | None, first: float | None, better: str) -> str:
    """Return value / first, and whether that is better or worse where it is not about the same."""
    if value is None or first is None:
        return "-"
    found = value / first if first else None
    shown = number(found, 2)
    if value == first or (found is not None and abs(found - 1.0) <= _SAME) or not better:
        return shown
    word = "better" if (value < first) == (better == "lower") else "worse"
    return word if found is None else f"{shown} {word}"


def _verdicts(runs: Sequence[Run], where: Path) -> Html:
    rows = [
        (
            link(run.name, run.folder / "report.html", where),
            sign(run.found.holds),
            run.found.reason,
            number(run.log.duration_s, 1),
        )
        for run in runs
    ]
    return table("Each run by itself", ("run", "its rate", "why", "length [s]"), rows)


def _measures(runs: Sequence[Run]) -> Html:
    found = [measures(run.summary) for run in runs]
    known = {name: measure for one in found for name, measure in one.items()}
    heads = ["measure", "unit", runs[0].name]
    for run in runs[1:]:
        heads += [run.name, "ratio"]
    rows = [[name, m.unit, *_values(name, m, found)] for name, m in known.items()]
    rows = [row for row in rows if any(cell != "-" for cell in row[2:])]
    caption = (
        f"Side by side. ratio: to {runs[0].name}; within {_SAME:.0%} it is called neither better "
        "nor worse"
    )
    return table(caption, heads, rows)


def _values(name: str, about: Measure, found: Sequence[Mapping[str, Measure]]) -> list[Any]:
    values = [one[name].value if name in one else None for one in found]
    cells: list[Any] = [number(values[0])]
    for value in values[1:]:
        told = ratio(value, values[0], about.better)
        mark = "good" if "better" in told else "bad" if "worse" in told else ""
        cells += [number(value), element("span", told, class_=mark) if mark else told]
    return cells


def _differences(runs: Sequence[Run]) -> Html:
    """Return what was configured, or installed, differently."""
    chosen = [
        dict(flat({key: run.summary.get(key) or {} for key in ("configuration", "versions")}))
        for run in runs
    ]
    names = dict.fromkeys(name for one in chosen for name in one)
    rows = [[name, *(str(one.get(name, "-")) for one in chosen)] for name in names]
    unequal = [row for row in rows if len(set(row[1:])) > 1]
    heads = ("", *(run.name for run in runs))
    if not unequal:
        return element("p", "Nothing of what the bags tell: arguments, parameters and versions.")
    equal = [row for row in rows if len(set(row[1:])) == 1]
    folded = details(f"{len(equal)} more that were the same", table("The same", heads, equal))
    return Html(table("Arguments, parameters and versions", heads, unequal) + folded)
