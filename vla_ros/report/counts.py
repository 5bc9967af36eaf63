"""What became of the frames and samples of a run: sent, received, lost, used."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from vla_ros.core.latency import Floats
from vla_ros.data.run_log import RunLog
from vla_ros.data.table import Table

# Loss that is this regular (every second frame, say) does not show in the stamps' spacing.
_GROSS = 0.05

Number = int | float | None


def cameras(log: RunLog) -> dict[str, dict[str, Number]]:
    """Return by camera what the diagnostics call `camera.counter`, and what was made of it.

    `sent` is what the source sent in all, `received` what reached the encoder since it listened.
    `lost` are frames missing from the spacing of the stamps, or, where more than a twentieth is
    missing, from what was sent while the encoder listened. `lost_percent` is of those that should
    have come since the first chunk (before it, models load), and 100 where none ever came.
    `unpaired` ones never fitted into a set (core.framesets); `used` ones were encoded.
    """
    waited_for = {key.rpartition(".")[0] for _, key in log.counters if key.endswith(".received")}
    names = sorted(log.images_used.keys() | log.views.keys() | waited_for)
    return {name: _camera(log, name) for name in names}


def sensor(log: RunLog) -> dict[str, Number]:
    """Return what the action node, or else the bag, tells of the sensor's samples.

    `lost_percent` is of those that should have come since the first chunk.
    """
    told, count = _counters(log, "sensor"), log.sensor
    if "samples" not in told and count.batches:
        told |= {"batches": count.batches, "samples": count.samples}
        if count.lost is not None:
            told["lost"] = count.lost
    return {
        **{name: told.get(name) for name in ("sent", "batches", "samples", "lost")},
        "lost_percent": _lost_percent(log, "sensor", "samples", told),
        "rate_hz": _rate_hz(_counter(log, "sensor.samples")),
    }


def _camera(log: RunLog, name: str) -> dict[str, Number]:
    told = {"used": log.images_used[name], **_counters(log, name)}
    percent = 100.0 if told.get("received") == 0 else _lost_percent(log, name, "received", told)
    missing, percent_missing = _undelivered(log, name)
    if "lost" in told and percent is not None:
        told["lost"], percent = max(told["lost"], missing), max(percent, percent_missing)
    names = ("sent", "received", "lost", "used", "unpaired")
    return {
        **{counter: told.get(counter) for counter in names},
        "lost_percent": percent,
        "tokens": log.view_tokens.get(name),
    }


def _counters(log: RunLog, of: str) -> dict[str, int]:
    """Return the last values of the counters `of.what`, by what."""
    found = {}
    for (_, key), rows in log.counters.items():
        name, _, what = key.rpartition(".")
        if name == of:
            found[what] = int(rows["count"][-1])
    return found


def _counter(log: RunLog, key: str) -> Table | None:
    return next((rows for (_, known), rows in log.counters.items() if known == key), None)


def _undelivered(log: RunLog, name: str) -> tuple[int, float]:
    """Return how many frames that were sent while somebody listened did not come, if many, and %.

    The counters are told once a second at moments of their own, so a few frames are noise.
    """
    sent, received = _counter(log, f"{name}.sent"), _counter(log, f"{name}.received")
    if sent is None or received is None:
        return 0, 0.0
    times_s = received["t_s"][received["count"] > 0]
    if not len(times_s):
        return 0, 0.0
    start_s, end_s = max(times_s[0], sent["t_s"][0]), min(times_s[-1], sent["t_s"][-1])
    went, came = (_growth(rows, start_s, end_s) for rows in (sent, received))
    missing = round(went - came)
    gross = missing > max(_GROSS * went, 2.0)
    return (missing, 100.0 * missing / went) if gross else (0, 0.0)


def _growth(rows: Table, start_s: float, end_s: float) -> float:
    """Return by how much a counter grew between two moments; a restart adds what it has since."""
    times_s, steps = rows["t_s"], np.diff(rows["count"])
    total = np.concatenate([[0.0], np.cumsum(np.where(steps < 0, rows["count"][1:], steps))])
    first, last = np.interp([start_s, max(start_s, end_s)], times_s, total)
    return float(last - first)


def _rate_hz(rows: Table | None) -> float | None:
    """Return how fast a counter grew while it did."""
    if rows is None:
        return None
    growing: Floats = rows["t_s"][rows["count"] > 0]
    if len(growing) < 2 or growing[-1] <= growing[0]:
        return None
    return _growth(rows, growing[0], growing[-1]) / float(growing[-1] - growing[0])


def _lost_percent(log: RunLog, of: str, came: str, told: Mapping[str, int]) -> float | None:
    """Return the share of lost ones since the first chunk, of all where that is not known."""
    if came not in told or "lost" not in told:
        return None
    counted: tuple[float, float] = told[came], told["lost"]
    rows, rows_lost = _counter(log, f"{of}.{came}"), _counter(log, f"{of}.lost")
    if rows is not None and rows_lost is not None and len(log.chunks):
        start_s, end_s = log.chunks["t_s"][0], rows["t_s"][-1]
        if rows["t_s"][0] < end_s and start_s < end_s:
            counted = _growth(rows, start_s, end_s), _growth(rows_lost, start_s, end_s)
    arrived, lost = counted
    return 100.0 * lost / (arrived + lost) if arrived + lost > 0 else None


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return the cameras and the sensor of a summary as lines of text."""
    counters = ("sent", "received", "lost", "unpaired", "used", "tokens")
    text = []
    if found["cameras"]:
        text.append(f"{'images':<34}" + "".join(f"{counter:>11}" for counter in counters))
    for name, camera in found["cameras"].items():
        text.append(f"{name:<34}" + "".join(f"{_cell(camera.get(c)):>11}" for c in counters))
    samples = found["sensor"]
    if samples["samples"]:
        rate = "-" if samples["rate_hz"] is None else f"{samples['rate_hz']:.1f}"
        counts = (f"{name} {_cell(samples[name])}" for name in ("samples", "lost", "batches"))
        text.append(f"{'sensor':<34} {', '.join(counts)}, {rate} Hz")
    return text


def _cell(value: Number) -> str:
    return "-" if value is None else str(value)
