"""The tables of a run's page, from its summary; a part that the run does not have is no table."""

from collections.abc import Iterator, Mapping
from typing import Any

from vla_ros.report.page_parts import Html, details, element, flat, number, sign, table
from vla_ros.report.summary import CYCLE
from vla_ros.report.verdict import Verdict

Summary = Mapping[str, Any]

_NUMBERS = ("p50", "p90", "p99", "p99_9", "max")
_HEADS = ("n", "p50", "p90", "p99", "p99.9", "max")
_AGE_NUMBERS = ("p50", "p99", "max")
_MODES_SHOWN = 20
# Counters of a camera in the order in which an image passes them; others come after.
_COUNTERS = ("sent", "received", "used", "lost", "lost_percent", "unpaired", "tokens")
_PERIOD = {
    "rate_hz": "rate [Hz]",
    "nominal_ms": "nominal [ms]",
    "jitter_ms": "jitter [ms]",
    "longest_gap_ms": "longest gap [ms]",
    "deadlines_missed": "deadlines missed",
    "ticks_without_chunk": "ticks without a chunk",
}
_AGES = {
    "features": "age of the features",
    "sensor": "age of the sensor's newest sample",
    "sensor_gap": "longest gap in the sensor's window",
    "state": "age of the newest robot state",
    "state_gap": "longest gap in the states' window",
}
_PROCESS = {
    "cpu_percent": "CPU [% of a core]",
    "rss_peak_mb": "peak memory [MB]",
    "shm_peak_mb": "peak /dev/shm [MB]",
    "threads_peak": "threads",
}
_MOTION = {
    "speed": "speed",
    "acceleration_m_s2": "acceleration [m/s²]",
    "jerk_m_s3": "jerk [m/s³]",
    "angular_acceleration_rad_s2": "angular acceleration [rad/s²]",
    "angular_jerk_rad_s3": "angular jerk [rad/s³]",
    "velocity_jump_m_s": "jump of velocity [m/s]",
    "angular_jump_rad_s": "jump of angular velocity [rad/s]",
    "position_jump_m": "jump of position [m]",
}
# What other functions of this module, or the page's head, show.
_SHOWN = {
    *("schema", "duration_s", "rates_hz", "missed", "stages_ms", "chunk_period", "command_period"),
    *("age_ms", "set_skew_ms", "cameras", "sensor", "seams", "motion", "processes", "resources"),
    *("modes", "diagnostics", "bag", "unreadable", "configuration", "versions", "model_id"),
    "verdict",
}


def checks(found: Verdict) -> Html:
    """Return what the verdict rests on."""
    rows = [
        (c.name, sign(c.ok), _with_limit(c.value), _with_limit(c.limit), c.unit)
        for c in found.checks
    ]
    heads = ("check", "", "found", "at most", "unit")
    return table("What the verdict rests on", heads, rows)


def latency(summary: Summary) -> Iterator[Html]:
    """Yield the distributions of stages, errors and ages."""
    stages = [
        _distribution(f"{node} {'whole cycle' if stage == CYCLE else stage}", numbers)
        for node, own in summary["stages_ms"].items()
        for stage, numbers in own.items()
    ]
    yield table("Stages [ms]", ("stage", *_HEADS), stages)
    periods = {"ticks": summary["chunk_period"], "commands": summary.get("command_period", {})}
    known = {name: period for name, period in periods.items() if period.get("nominal_ms")}
    told = [key for key in _PERIOD if any(key in period for period in known.values())]
    rows = [[name, *(period.get(key) for key in told)] for name, period in known.items()]
    yield table("Periods", ("", *(_PERIOD[key] for key in told)), rows)
    ages = summary["age_ms"]
    rows = [_distribution(f"period error of {name}", p["error_ms"]) for name, p in known.items()]
    rows += [_distribution(_AGES.get(k, _words(k)), n) for k, n in ages.items() if k != "views"]
    rows.append(_distribution("newest less oldest image of a set", summary.get("set_skew_ms", {})))
    caption = "Errors, ages at the tick, and skew of a set [ms]"
    yield table(caption, ("", *_HEADS), [row for row in rows if row[1]])


def motion(summary: Summary) -> Iterator[Html]:
    """Yield how smooth the commands were, and the seams between chunks."""
    moved, seams = summary.get("motion", {}), summary.get("seams", {})
    rows = []
    for name, numbers in moved.items():
        if isinstance(numbers, Mapping) and numbers.get("count"):
            unit = f" [{moved.get('speed_unit')}]" if name == "speed" else ""
            root = number(moved.get(f"{name}_rms"))
            title = f"{_MOTION.get(name, _words(name))}{unit}"
            rows.append([*_distribution(title, numbers, None), root])
    yield table("Commands", ("", *_HEADS, "rms"), rows)
    rows = [
        _distribution(_MOTION.get(name, _words(name)), numbers, None)
        for name, numbers in seams.items()
        if isinstance(numbers, Mapping) and numbers.get("count")
    ]
    yield table("Seams: the plan's jump from one chunk to the next", ("", *_HEADS), rows)


def modes(summary: Summary) -> Iterator[Html]:
    """Yield the changes of mode with their reasons."""
    changes = [(number(m["t_s"], 1), m["node"], m["mode"], m["reason"]) for m in summary["modes"]]
    heads = ("time [s]", "node", "mode", "reason")
    yield table("Changes of mode", heads, changes[:_MODES_SHOWN])
    rest = changes[_MODES_SHOWN:]
    yield details(f"further changes: {len(rest)}", table("Further changes", heads, rest))


def inputs(summary: Summary) -> Iterator[Html]:
    """Yield what became of each camera's images, and of the sensor's samples."""
    cameras = summary["cameras"]
    seen = dict.fromkeys(key for camera in cameras.values() for key in camera)
    counters = [key for key in _COUNTERS if key in seen]
    counters += [key for key in seen if key not in _COUNTERS]
    rows = [[name, *(camera.get(c) for c in counters)] for name, camera in cameras.items()]
    heads = ("lost [%]" if c == "lost_percent" else _words(c) for c in counters)
    yield table("Images", ("camera", *heads), rows)
    sensor = {k: v for k, v in (summary.get("sensor") or {}).items() if v is not None}
    if any(sensor.values()):
        yield table("Sensor", ("", "value"), [(_words(k), v) for k, v in sensor.items()])
    heads = (f"{part} {n}" for part in ("age", "skew") for n in _AGE_NUMBERS)
    rows = [
        [view, *(number(v[part][n], 1) for part in ("age", "skew") for n in _AGE_NUMBERS)]
        for view, v in summary["age_ms"].get("views", {}).items()
    ]
    yield table("Images at the tick: age, and skew within their set [ms]", ("view", *heads), rows)


def processes(summary: Summary) -> Iterator[Html]:
    """Yield what each process took, and the machine."""
    used = summary["processes"]
    columns = list(dict.fromkeys(key for numbers in used.values() for key in numbers))
    rows = [[name, *(n.get(c) for c in columns)] for name, n in used.items()]
    heads = [_PROCESS.get(column, _words(column)) for column in columns]
    yield table("What each process took", ("process", *heads), rows)
    machine = summary.get("resources") or {}
    if machine.get("shm_peak_mb") is not None:
        yield element("p", f"At most {number(machine['shm_peak_mb'], 1)} MB of /dev/shm in use.")
    rows = []
    for name, gpu in (machine.get("gpus") or {}).items():
        percent = gpu.get("utilisation_percent") or {}
        numbers = *(number(percent.get(n), 1) for n in _AGE_NUMBERS), gpu.get("memory_peak_mb")
        rows.append([name, *numbers])
    heads = [*(f"utilisation {n} [%]" for n in _AGE_NUMBERS), "peak memory [MB]"]
    yield table("GPUs", ("", *heads), rows)


def nodes(summary: Summary) -> Iterator[Html]:
    """Yield the last diagnostics of each node, folded away."""
    for name, status in summary["diagnostics"].items():
        rows = list(status["values"].items())
        inside = table(f"Values of {name}", ("name", "value"), rows)
        yield details(f"{name}: {status['message'] or 'no message'}", inside)


def recording(summary: Summary) -> Iterator[Html]:
    """Yield how much there is in the bag, and what of it could not be read."""
    bag = summary.get("bag", {})
    if bag.get("note"):
        yield element("p", element("strong", "Note: "), bag["note"])
    counted = {"recorded": bag.get("messages"), "dropped": bag.get("dropped")}
    rows = [(key, count) for key, count in counted.items() if count is not None]
    yield table("The bag", ("", "messages"), rows)
    unreadable = list(summary["unreadable"].items())
    if unreadable:
        yield table("Messages that could not be read", ("type", "messages"), unreadable)
    else:
        yield element("p", "Every message could be read.")


def configuration(summary: Summary) -> Iterator[Html]:
    """Yield arguments, parameters and versions."""
    for group, values in (summary.get("configuration") or {}).items():
        if not isinstance(values, Mapping):
            yield anything_as_table(group, {group: values})
        elif any(isinstance(inner, Mapping) for inner in values.values()):
            for name, inner in values.items():
                title = f"{_words(group)} of {name}"
                yield details(title, anything_as_table(title, inner))
        else:
            yield anything_as_table(_words(group).capitalize(), values)
    yield anything_as_table("Versions", summary.get("versions", {}))


def others(summary: Summary) -> Iterator[Html]:
    """Yield what is in the summary and nowhere else on the page."""
    for key, values in summary.items():
        if key not in _SHOWN:
            yield from anything(_words(key).capitalize(), values)


def anything(caption: str, values: Any) -> Iterator[Html]:
    """Yield tables of values whose form is not known: distributions apart from single ones."""
    if not isinstance(values, Mapping):
        if values not in (None, "", [], ()):
            yield anything_as_table(caption, {caption: values})
        return
    found = dict(_distributions(values))
    rows = [_distribution(_words(name), numbers) for name, numbers in found.items()]
    yield table(caption, ("", *_HEADS), rows)
    single = [
        (_words(name), value)
        for name, value in flat(values)
        if not any(name.startswith(f"{known}.") for known in found)
    ]
    yield table(caption, ("", "value"), single)


def anything_as_table(caption: str, values: Any) -> Html:
    """Return the leaves of nested values by their names, as they are."""
    rows = [(name, None if value is None else str(value)) for name, value in flat(values)]
    return table(caption, ("name", "value"), rows)


def _distributions(values: Any, prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(values, Mapping):
        if "p50" in values:
            yield prefix, values
        else:
            for key, inner in values.items():
                yield from _distributions(inner, f"{prefix}.{key}" if prefix else str(key))


def _distribution(name: str, numbers: Mapping[str, Any], digits: int | None = 2) -> list[Any]:
    return [name, numbers.get("count"), *(number(numbers.get(k), digits) for k in _NUMBERS)]


def _with_limit(value: float | None) -> str:
    return number(value, 0 if isinstance(value, int) else 2)


def _words(name: str) -> str:
    return name.replace("_", " ")
