"""Pages of folders that hold no run of their own: replays of any mode, and benchmarks."""

import base64
import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vla_ros.core.errors import VlaError
from vla_ros.report.page import verdict
from vla_ros.report.page_parts import (
    Html,
    chart,
    document,
    element,
    flat,
    link,
    number,
    section,
    sign,
    table,
)
from vla_ros.report.page_tables import anything, anything_as_table
from vla_ros.report.verdict import Check, Verdict

_REPLAY, _LOCKSTEP, _BENCHMARK = "replay.json", "lockstep.json", "comparison.csv"
_PICTURE = "comparison.png"
_HASH = 16
_DIFFERENCES = ("action_difference", "command_difference")
_SPREAD = ("median", "min", "max", "spread")


class PageError(VlaError):
    """A file that a page is made of is not what it must be."""


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder of a replay or of benchmarks."""
    return any((path / name).is_file() for name in _PAGES)


def folder_page(folder: Path, where: Path) -> str:
    """Return the page of a folder of a replay or of benchmarks.

    Args:
        folder: one of which `is_folder` is true.
        where: the folder that the page will be in, for its links to the runs' pages.

    Raises:
        PageError: what is in it cannot be read.
    """
    name = next(name for name in _PAGES if (folder / name).is_file())
    try:
        return _PAGES[name](folder, where)
    except (ValueError, LookupError, TypeError, AttributeError, csv.Error) as error:
        raise PageError(f"{folder / name} is not as this version writes it: {error!r}") from error


def _replay(folder: Path, where: Path) -> str:
    found = json.loads((folder / _REPLAY).read_text(encoding="utf-8"))
    about = [f"{found['mode']} replay of {found['bag']['path']}", f"model {found['model_id']}"]
    told = found["verdict"]
    return document(
        f"{folder.name}: replay",
        element("header", element("h1", folder.name), element("p", " · ".join(about))),
        verdict(_verdict(told)) if told else Html(""),
        section("sweeps", "Highest rates", *_sweeps(found.get("sweeps", {}), folder, where)),
        section("repeats", "Repeats", _repeats(found["repeats"], folder, where)),
        section("measures", "Measures", _measures(found["measures"])),
        section("baseline", "Against the baseline", *_baseline(found["comparison"])),
        section("cost", "What measuring costs", *anything("Cost", found.get("profiler_cost"))),
        section("settings", "Settings", *_settings(found)),
    )


def _verdict(told: Mapping[str, Any]) -> Verdict:
    checks = tuple(Check(**check) for check in told["checks"])
    share = f" {told['runs_that_hold']} of {told['runs']} runs hold."
    return Verdict(told["holds"], told["stage"], told["reason"] + share, checks)


def _repeats(repeats: list[dict[str, Any]], folder: Path, where: Path) -> Html:
    rows = []
    for repeat in repeats:
        valid, judged = repeat["valid"], repeat["verdict"]
        good = element("span", "valid" if valid else "invalid", class_="good" if valid else "bad")
        why = repeat["reason"] or (judged["reason"] if judged else "")
        rows.append([_run(repeat["folder"], folder, where), good, why])
    return table("Each repeat", ("repeat", "", "why"), rows)


def _sweeps(sweeps: Mapping[str, Any], folder: Path, where: Path) -> Iterator[Html]:
    for name, sweep in sweeps.items():
        highest = sweep["highest_hz"]
        told = "no rate held" if highest is None else f"{number(highest, 0)} Hz held"
        yield element("p", f"{sweep['parameter']}: ", element("strong", told), ".")
        rows = [
            [
                _run(trial["folder"], folder, where),
                trial["rate_hz"],
                trial["seconds"],
                sign(not trial["reason"]),
                trial["reason"],
            ]
            for trial in sweep["trials"]
        ]
        heads = ("run", "rate [Hz]", "length [s]", "", "why")
        yield table(f"Every run of the {name} sweep", heads, rows)


def _lockstep(folder: Path, where: Path) -> str:
    found = json.loads((folder / _LOCKSTEP).read_text(encoding="utf-8"))
    runs = found.pop("runs")
    rows = []
    for run in runs:
        age, shares = run["features_age_ms"], run["modes"]
        counts = (run[key] for key in ("encodes", "ticks", "commands"))
        percents = (number(shares[mode] * 100.0, 1) for mode in shares)
        hashed = element("code", run["action_hash"][:_HASH])
        name = _run(run["folder"], folder, where)
        rows.append([name, str(run["vl_latency_ms"]), *counts, age["p50"], age["p99"]])
        rows[-1] += [*percents, hashed]
    heads = ["run", "encode takes [ms]", "encodes", "ticks", "commands"]
    heads += ["features' age p50 [ms]", "p99 [ms]"]
    heads += [f"{mode} [%]" for mode in runs[0]["modes"]] + ["hash of the actions"]
    unlike = [
        {f"{part}.{name}": value for part in _DIFFERENCES for name, value in flat(run[part])}
        for run in runs[1:]
    ]
    names = dict.fromkeys(name for one in unlike for name in one)
    differences = [[name, *(one.get(name) for one in unlike)] for name in names]
    caption = f"Differences from {Path(runs[0]['folder']).name}"
    others = ("", *(Path(run["folder"]).name for run in runs[1:]))
    return document(
        f"{folder.name}: lockstep replay",
        element("header", element("h1", folder.name), element("p", f"lockstep of {found['bag']}")),
        section("runs", "What if the encoder took", table("Each run", heads, rows)),
        section("differences", "Differences", table(caption, others, differences)),
        section("settings", "Settings", anything_as_table("Settings", found)),
    )


def _run(told: str, folder: Path, where: Path) -> Html:
    """Return a link to a run's page, which may have been moved with the whole folder."""
    path = Path(told)
    path = folder / path.name if (folder / path.name).is_dir() else path
    return link(path.name, path / "report.html", where)


def _baseline(comparison: Mapping[str, Any] | None) -> Iterator[Html]:
    if comparison:
        rows = comparison["rows"]
        heads = list(rows[0]) if rows else []
        yield table("Each measure", heads, [[row.get(head) for head in heads] for row in rows])


def _measures(measures: Mapping[str, Any]) -> Html:
    count = max((len(measure["values"]) for measure in measures.values()), default=0)
    rows = []
    for name, measure in measures.items():
        values = [*measure["values"], *[None] * (count - len(measure["values"]))]
        spread = [number(measure[key]) for key in _SPREAD]
        rows.append([name, measure["unit"], *spread, *(number(value) for value in values)])
    heads = ("measure", "unit", *_SPREAD, *(f"repeat {i + 1}" for i in range(count)))
    return table("Over the repeats, and each by itself", heads, rows)


def _settings(found: Mapping[str, Any]) -> Iterator[Html]:
    for key in ("settings", "machine", "versions"):
        if found.get(key):
            yield anything_as_table(key.capitalize(), found[key])


def _benchmark(folder: Path, _where: Path) -> str:
    text = (folder / _BENCHMARK).read_text(encoding="utf-8")
    heads, *rows = list(csv.reader(text.splitlines()))
    # A picture is drawn from the table, and is white in both themes.
    picture = folder / _PICTURE
    drawn = Html("")
    if picture.is_file():
        data = base64.b64encode(picture.read_bytes()).decode("ascii")
        image = f'<img src="data:image/png;base64,{data}" alt="The table as a picture">'
        drawn = chart(image, "The table as a picture.")
    rows = [row + [""] * (len(heads) - len(row)) for row in rows]
    return document(
        f"{folder.name}: benchmark",
        element("header", element("h1", folder.name)),
        section("table", "Comparison", table("Each configuration", heads, rows)),
        section("picture", "Picture", drawn),
    )


_PAGES: dict[str, Callable[[Path, Path], str]] = {
    _REPLAY: _replay,
    _LOCKSTEP: _lockstep,
    _BENCHMARK: _benchmark,
}
