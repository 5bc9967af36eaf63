"""The pieces that a page is made of. Whatever comes in is text; only these functions make HTML."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vla_ros.report.plot_style import COLOURS

NOTHING = "-"
_LONG = 40


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def html(value: Any) -> Html:
    """Return a value as HTML; None and NaN as "-"."""
    if isinstance(value, Html):
        return value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return Html(NOTHING)
    if isinstance(value, bool):
        return Html("yes" if value else "no")
    if isinstance(value, int | float):
        return Html(number(value))
    return Html(escape(str(value)))


def number(value: float | None, digits: int | None = None) -> str:
    """Return a number with so many digits after the point, or so many as its size deserves."""
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if digits is None and 0.0 < size < 0.1:
        return f"{value:.3g}"
    if digits is None:
        whole = isinstance(value, int) or size >= 1000
        digits = 0 if whole else 1 if size >= 100 else 2
    return f"{value:,.{digits}f}"


def element(tag: str, *inside: Any, **attributes: Any) -> Html:
    """Return `<tag attributes>inside</tag>`; an attribute's name may end in `_` (`class_`)."""
    told = "".join(
        f' {k.rstrip("_").replace("_", "-")}="{escape(str(v))}"' for k, v in attributes.items()
    )
    return Html(f"<{tag}{told}>{join(inside)}</{tag}>")


def join(parts: Iterable[Any]) -> Html:
    """Return values one after another."""
    return Html("".join(html(part) for part in parts))


def link(text: str, target: Path, where: Path) -> Html:
    """Return a link to a file from a page in the folder `where`."""
    return element("a", text, href=quote(os.path.relpath(target.absolute(), where.absolute())))


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Html:
    """Return a table that scrolls by itself where it is too wide; its first column names the row.

    Columns of numbers stand to the right. No rows, no table.
    """
    rows = [list(row) for row in rows]
    if not rows:
        return Html("")
    kinds = ["", *(_kind([row[i] for row in rows]) for i in range(1, len(heads)))]

    def cell(tag: str, i: int, value: Any, **attributes: str) -> Html:
        if kinds[i]:
            attributes["class_"] = kinds[i]
        return element(tag, value, **attributes)

    head = element(
        "tr",
        *(cell("th", i, h, scope="col") if h else element("td") for i, h in enumerate(heads)),
    )
    body = [
        element(
            "tr",
            element("th", first, scope="row"),
            *(cell("td", i, value) for i, value in enumerate(rest, start=1)),
        )
        for first, *rest in rows
    ]
    inside = element("caption", caption), element("thead", head), element("tbody", *body)
    return _scrolls(element("table", *inside), caption)


def section(name: str, title: str, *parts: Html) -> Html:
    """Return a part of the page under a heading; empty where there is nothing in it."""
    inside = join(parts)
    if not inside:
        return Html("")
    return element("section", element("h2", title), inside, id=name)


def details(title: str, *parts: Html) -> Html:
    """Return something that is folded away; empty where there is nothing in it."""
    inside = join(parts)
    return element("details", element("summary", title), inside) if inside else Html("")


def chart(drawn: str, caption: str) -> Html:
    """Return an SVG, or another picture, with a line of text under it."""
    inside = _scrolls(Html(drawn), caption), element("figcaption", caption)
    return element("figure", *inside)


def sign(good: bool | None) -> Html:
    """Return a judgement as a word, in colour too; None where nothing was measured."""
    if good is None:
        return Html("not measured")
    return element("span", "holds" if good else "fails", class_="good" if good else "bad")


def flat(values: Any, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Yield the leaves of nested mappings and lists with the names on the way to them."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from flat(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(values, list | tuple):
        yield prefix, ", ".join(str(value) for value in values)
    else:
        yield prefix, values


def document(title: str, *parts: Html) -> str:
    """Return a whole page: one file that needs nothing beside it."""
    style = files("vla_ros.report").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_themes()}{style}</style>\n</head>\n"
        f"<body>\n<main>\n{join(parts)}\n</main>\n</body>\n</html>\n"
    )


def _themes() -> str:
    light = "".join(f"--{name}:{on_white};" for name, (on_white, _) in COLOURS.items())
    dark = "".join(f"--{name}:{on_dark};" for name, (_, on_dark) in COLOURS.items())
    return f":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"


def _scrolls(inside: Html, label: str) -> Html:
    # Reachable with the keyboard, so that it can be scrolled without a mouse.
    return element("div", inside, class_="scrolls", role="region", aria_label=label, tabindex=0)


def _kind(column: list[Any]) -> str:
    """Return the class of a column: numbers, long text that may wrap, or nothing of the kind."""
    if all(_is_number(value) for value in column):
        return "n"
    return "long" if any(len(str(value)) > _LONG for value in column) else ""


def _is_number(value: Any) -> bool:
    if value is None or value == NOTHING:
        return True
    try:
        float(str(value).replace(",", ""))
    except ValueError:
        return False
    return not isinstance(value, bool)
