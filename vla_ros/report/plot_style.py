"""One look for the pictures on disk and those in the page, where colours follow the theme.

Most colours are Okabe and Ito's, which people with any form of colour blindness can tell apart.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # matplotlib takes half a second to import, and only a report needs it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, GREY = "#1b2027", "#5a636e", "#e2e5e9", "#b8bdc4"
ORANGE, SKY, GREEN, YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
BLUE, RED, PURPLE = "#0072b2", "#d55e00", "#cc79a7"
# Name -> on white, on the page's dark ground. The page declares them; an SVG names them.
COLOURS = {
    "ink": (INK, "#e6e9ed"),
    "muted": (MUTED, "#a2acb8"),
    "grid": (GRID, "#31373f"),
    "grey": (GREY, "#6d7681"),
    "orange": (ORANGE, "#f0b537"),
    "sky": (SKY, "#92d2f7"),
    "green": (GREEN, "#34c297"),
    "yellow": (YELLOW, "#8d8520"),
    "blue": (BLUE, "#3f9fdc"),
    "red": (RED, "#ff8b42"),
    "purple": (PURPLE, "#e39fc6"),
}
SERIES = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, INK)
_WIDTH_IN, _DPI = 10.0, 140
_STYLE: Any = {  # of matplotlib's names
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "axes.titlecolor": MUTED,
    "axes.facecolor": "none",
    "axes.edgecolor": GREY,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "text.parse_math": False,  # names come from the bag
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "vla_ros",
}
# What a browser does not need: the groups' names, the font, digits that no pixel shows.
_SVG_CUTS = (
    (r'<g id="[^"]*"', "<g"),
    (r"<!--.*?-->\n?", ""),
    (r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px"),
    (r"(\d\.\d\d)\d+", r"\1"),
    (r"\n\s+", "\n"),
)


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save in our style; also a decorator."""
    from matplotlib import rc_context

    with rc_context(_STYLE):
        yield


def new_figure(height_in: float) -> "Figure":
    """Return an empty figure as wide as all others."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def name_colours(axes: "Axes", named: dict[str, str]) -> None:
    """Name colours, {name: colour}, in a line above the axes."""
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=colour, label=name) for name, colour in named.items()]
    if handles:
        axes.legend(
            handles=handles,
            ncols=len(handles),
            loc="lower right",
            bbox_to_anchor=(1, 1),
            handlelength=1.2,
            columnspacing=1.2,
            borderaxespad=0.1,
        )


@styled()
def save_png(figure: "Figure", path: Path) -> None:
    """Write a picture on white.

    Raises:
        OSError: it cannot be written.
    """
    figure.savefig(path, facecolor="white")


@styled()
def svg(figure: "Figure", name: str, label: str) -> str:
    """Return a figure as an SVG element for a page.

    Args:
        figure: drawn in our colours, which become `var(--blue)` and so on.
        name: begins each id inside, so that several pictures fit into one page.
        label: what the picture shows, for those who cannot see it.
    """
    written = StringIO()
    metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(written, format="svg", facecolor="none", metadata=metadata)
    text = written.getvalue()
    text = text[text.index("<svg") :]
    for pattern, replacement in _SVG_CUTS:
        text = re.sub(pattern, replacement, text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text)
    for colour, (light, _dark) in COLOURS.items():
        text = text.replace(light, f"var(--{colour})")
    [viewbox] = re.findall(r'viewBox="[^"]*"', text)
    body = text[text.index(">") + 1 :]
    shown = escape(label)
    return f'<svg {viewbox} role="img" aria-label="{shown}">\n<title>{shown}</title>{body}'
