"""Pages of folders that hold no run of their own: the repeats of a replay, and benchmarks."""

import base64
import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vla_ros.core.errors import VlaError
from vla_ros.report.page_parts import (
    Html,
    chart,
    document,
    element,
    html,
    number,
    section,
    table,
)
from vla_ros.report.page_tables import anything, anything_as_table

_REPLAY, _BENCHMARK = "replay.json", "comparison.csv"
_PICTURE = "comparison.png"
_SPREAD = ("median", "min", "max", "spread")


class PageError(VlaError):
    """A file that a page is made of is not what it must be."""


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder of repeats or of benchmarks."""
    return any((path / name).is_file() for name in _PAGES)


def folder_page(folder: Path) -> str:
    """Return the page of a folder of repeats or of benchmarks.

    Raises:
        PageError: what is in it cannot be read.
    """
    name = next(name for name in _PAGES if (folder / name).is_file())
    try:
        return _PAGES[name](folder)
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise PageError(f"{folder / name} is not as this version writes it: {error!r}") from error


def _replay(folder: Path) -> str:
    found = json.loads((folder / _REPLAY).read_text(encoding="utf-8"))
    about = [
        f"mode {found['mode']}",
        f"bag {found['bag']}",
        f"model {found.get('model_id') or '-'}",
    ]
    about += [f"{len(found['repeats'])} repeats"]
    return document(
        f"{folder.name}: replay",
        element("header", element("h1", folder.name), element("p", " · ".join(about))),
        _told(found.get("verdict")),
        section("repeats", "Repeats", _repeats(found["repeats"])),
        section("measures", "Measures", _measures(found["measures"])),
        section("comparison", "Against the baseline", *anything("", found.get("comparison"))),
        section("settings", "Settings", *_settings(found)),
    )


def _told(verdict: Any) -> Html:
    """Return a verdict that was written as JSON, or as a sentence."""
    if not verdict:
        return Html("")
    if not isinstance(verdict, Mapping):
        verdict = {"reason": verdict}
    checks = [list(check.values()) for check in verdict.get("checks") or ()]
    heads = list(verdict["checks"][0]) if checks else []
    inside = element("h2", verdict["reason"]), table("What the verdict rests on", heads, checks)
    good = " holds" if verdict.get("holds") else ""
    return element("section", *inside, class_=f"verdict{good}", id="verdict")


def _repeats(repeats: list[dict[str, Any]]) -> Html:
    rows = []
    for count, repeat in enumerate(repeats, start=1):
        inside = repeat.get("folder")
        link = element("a", inside, href=f"{inside}/report.html") if inside else html(None)
        valid = element("span", "valid", class_="good")
        if not repeat["valid"]:
            valid = element("span", "invalid", class_="bad")
        rows.append([str(count), valid, repeat.get("reason") or "", link])
    return table("Each repeat", ("repeat", "", "why", "report"), rows)


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


def _benchmark(folder: Path) -> str:
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


_PAGES: dict[str, Callable[[Path], str]] = {_REPLAY: _replay, _BENCHMARK: _benchmark}
