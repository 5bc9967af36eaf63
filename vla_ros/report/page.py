"""The page of one run: the verdict, then what it rests on."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from vla_ros.data.run_log import RunLog
from vla_ros.report import page_tables as tables
from vla_ros.report.page_parts import (
    Html,
    chart,
    document,
    element,
    join,
    number,
    section,
)
from vla_ros.report.verdict import Verdict

# Name of a chart -> what it shows, for those who cannot see it too.
CHARTS = {
    "timeline": "Stages of each encode, ticks and commands on one axis; below them, over the whole "
    "run, the age of the features that the ticks used, the time from tick to tick and the "
    "commanded speed. A shade is a mode other than RUNNING.",
    "latency": "How long each stage took, and the errors and ages at the tick. The axis is "
    "logarithmic.",
    "motion": "Acceleration and jerk of the commands, and how much the planned velocity jumped "
    "where one chunk took over from another. A shade is a mode other than RUNNING.",
    "processes": "CPU and memory of each process, once a second.",
}
_VIRTUAL_BEFORE_NS = 10**18  # 2001: no clock of a machine, but one that a replay began at zero


def page(
    name: str,
    log: RunLog,
    summary: Mapping[str, Any],
    found: Verdict,
    charts: Mapping[str, str],
) -> str:
    """Return the page of a run as HTML that needs no other file.

    Args:
        name: what the run is called.
        log: the run.
        summary: what summary.json holds.
        found: whether the run held its rate.
        charts: SVG elements by the names in `CHARTS`; what is absent is left out.
    """
    drawn = {key: chart(charts[key], text) for key, text in CHARTS.items() if key in charts}

    def picture(key: str) -> Html:
        return drawn.get(key, Html(""))

    parts: dict[str, Iterable[Html]] = {
        "Timeline": [picture("timeline")],
        "Latency": [picture("latency"), *tables.latency(summary)],
        "Motion": [picture("motion"), *tables.motion(summary)],
        "Modes": tables.modes(summary),
        "Cameras and sensor": tables.inputs(summary),
        "Processes": [picture("processes"), *tables.processes(summary)],
        "Also measured": tables.others(summary),
        "What the nodes said last": tables.nodes(summary),
        "Recording": tables.recording(summary),
        "Configuration": tables.configuration(summary),
    }
    names = {title: title.lower().replace(" ", "-") for title in parts}
    made = {title: section(names[title], title, *inside) for title, inside in parts.items()}
    kept = {title: part for title, part in made.items() if part}
    return document(
        f"{name}: {'holds' if found.holds else 'does not hold'}",
        element("header", element("h1", name), about(log, summary)),
        verdict(found),
        key_figures(summary),
        contents({names[title]: title for title in kept}),
        *kept.values(),
        element("footer", FOOTER),
    )


FOOTER = join(
    [
        "Milliseconds unless another unit is named; p99 is the value that 99 of 100 stay below. "
        "The numbers are in ",
        element("code", "summary.json"),
        "; ",
        element("code", "trace.json"),
        " opens in Perfetto (ui.perfetto.dev) or chrome://tracing.",
    ]
)


def about(log: RunLog, summary: Mapping[str, Any]) -> Html:
    """Return when, for how long, with which model and where the run was."""
    origin_ns = log.origin_ns or 0
    when = "virtual time"
    if origin_ns >= _VIRTUAL_BEFORE_NS:
        when = datetime.fromtimestamp(origin_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    told = [when, f"{number(log.duration_s, 1)} s"]
    said = [status["values"].get("model_id") for status in summary["diagnostics"].values()]
    models = dict.fromkeys(model for model in (summary.get("model_id"), *said) if model)
    told += [f"model {model}" for model in models]
    if machine := summary.get("versions", {}).get("machine"):
        told.append(machine)
    return element("p", " · ".join(told), class_="about")


def verdict(found: Verdict) -> Html:
    """Return the verdict in one sentence, and the checks that it rests on."""
    inside = [element("h2", found.reason)]
    if found.stage:
        inside.append(element("p", "Look at ", element("strong", found.stage), "."))
    inside.append(tables.checks(found))
    return element("section", *inside, class_="verdict" + " holds" * found.holds, id="verdict")


def key_figures(summary: Mapping[str, Any]) -> Html:
    """Return the few numbers that one looks for first."""
    rates, stages = summary["rates_hz"], summary["stages_ms"]
    tick = stages.get("action", {}).get("cycle", {})
    whole = stages.get("command", {}).get("camera_to_command", {})
    encode = stages.get("vl_encoder", {}).get("cycle", {})
    figures = [
        ("features", number(rates["features"], 2), "Hz"),
        ("chunks", number(rates["chunks"], 2), "Hz"),
        ("commands", number(rates["commands"], 1), "Hz"),
        ("missed cycles", str(sum(summary["missed"].values())), ""),
        ("an encode, p50 / p99", _both(encode, 0), "ms"),
        ("a tick, p50 / p99", _both(tick, 1), "ms"),
        ("camera to command, p50 / p99", _both(whole, 0), "ms"),
    ]
    return element("dl", *(_figure(*figure) for figure in figures), class_="figures")


def contents(titles: Mapping[str, str]) -> Html:
    """Return links to sections, {id: title}."""
    links = (element("li", element("a", title, href=f"#{name}")) for name, title in titles.items())
    return element("nav", element("ul", *links), aria_label="Sections")


def _figure(name: str, value: str, unit: str) -> Html:
    shown = element("dd", value, " ", element("small", unit)) if unit else element("dd", value)
    return element("div", element("dt", name), shown)


def _both(numbers: Mapping[str, Any], digits: int) -> str:
    return f"{number(numbers.get('p50'), digits)} / {number(numbers.get('p99'), digits)}"
