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
    missing, from what was sent while the encoder listened; `lost_percent` is of received and lost,
    and 100 of a camera that was waited for and never came.
    `unpaired` ones never fitted into a set (core.framesets); `used` ones were encoded.
    """
    waited_for = {key.rpartition(".")[0] for _, key in log.counters if key.endswith(".received")}
    names = sorted(log.images_used.keys() | log.views.keys() | waited_for)
    return {name: _camera(log, name) for name in names}


def sensor(log: RunLog) -> dict[str, Number]:
    """Return what the action node, or else the bag, tells of the sensor's samples."""
    told = _counters(log, "sensor")
    count = log.sensor
    if "samples" not in told and count.batches:
        told |= {"batches": count.batches, "samples": count.samples}
        if count.lost is not None:
            told["lost"] = count.lost
    samples, lost = told.get("samples"), told.get("lost")
    return {
        "sent": told.get("sent"),
        "batches": told.get("batches"),
        "samples": samples,
        "lost": lost,
        "lost_percent": _percent(lost, samples),
        "rate_hz": _rate_hz(_counter(log, "sensor.samples")),
    }


def _camera(log: RunLog, name: str) -> dict[str, Number]:
    told = {"used": log.images_used[name], **_counters(log, name)}
    received, lost = told.get("received"), told.get("lost")
    if lost is not None:
        missing = _undelivered(_counter(log, f"{name}.sent"), _counter(log, f"{name}.received"))
        lost = max(lost, missing)
    return {
        "sent": told.get("sent"),
        "received": received,
        "lost": lost,
        "lost_percent": 100.0 if received == 0 else _percent(lost, received),
        "used": told["used"],
        "unpaired": told.get("unpaired"),
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


def _undelivered(sent: Table | None, received: Table | None) -> int:
    """Return how many frames that were sent while somebody listened did not come, if many.

    The counters are told once a second at moments of their own, so a few frames are noise.
    """
    if sent is None or received is None:
        return 0
    listening = received["count"] > 0
    times_s = received["t_s"][listening]
    if not len(times_s):
        return 0
    start_s, end_s = max(times_s[0], sent["t_s"][0]), min(times_s[-1], sent["t_s"][-1])
    went, came = (_growth(rows, start_s, end_s) for rows in (sent, received))
    missing = round(went - came)
    return missing if missing > max(_GROSS * went, 2.0) else 0


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


def _percent(lost: int | None, came: int | None) -> float | None:
    if lost is None or came is None or lost + came == 0:
        return None
    return 100.0 * lost / (lost + came)


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
