"""A run in the Chrome trace event format, which Perfetto and chrome://tracing open.

A process is a node, a thread is a stage. The format is described in
https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU: `X` is a stage
with its start `ts` and duration `dur` in microseconds, `s` to `f` an arrow, `C` a counter, `i` an
instant, `M` a name.
"""

import json
from collections.abc import Iterator, Mapping
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from vla_ros.core.latency import Floats
from vla_ros.data.run_log import RunLog
from vla_ros.data.table import Table

Event = dict[str, Any]
Rows = Mapping[str, Floats]

_MODES, _CYCLE, _FIRST_STAGE = 1, 2, 3
# A chunk's age of its features leads back to their stamp, but for the rounding of both.
_SAME_STAMP_S = 1e-3
# A viewer takes tens of megabytes, not gigabytes: of a longer run, its end is traced.
LAST_S = 600.0


def write_trace(log: RunLog, path: Path) -> None:
    """Write what `trace_events` returns.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    about = f"the last {LAST_S:g} s" if log.duration_s > LAST_S else "the whole run"
    found = {
        "displayTimeUnit": "ms",
        "otherData": {"traced": about},
        "traceEvents": trace_events(log),
    }
    path.write_text(json.dumps(found, separators=(",", ":"), allow_nan=False) + "\n")


def trace_events(log: RunLog, last_s: float = LAST_S) -> list[Event]:
    """Return the events of a run's last seconds: names first, the rest in the order of time.

    `ts` counts from the first thing that happened, which is never after the first message.
    """
    since_s = log.duration_s - last_s if log.duration_s > last_s else -inf
    pids = {name: pid for pid, name in enumerate(_processes(log), start=1)}
    events = [event for name, pid in pids.items() for event in _of_node(log, name, pid, since_s)]
    events += _arrows(log, pids, since_s)
    # A bag may hold anything; JSON holds numbers only.
    sound = (e for e in events if e["ph"] != "M" and isfinite(e["ts"] + e.get("dur", 0.0)))
    timed = sorted(sound, key=lambda event: event["ts"])
    begin_us = min(timed[0]["ts"], 0.0) if timed else 0.0
    for event in timed:
        event["ts"] = round(event["ts"] - begin_us, 3)
    return [e for e in events if e["ph"] == "M"] + timed


def _processes(log: RunLog) -> list[str]:
    """Return every node that left a trace, those with stages first."""
    others = [change.node for change in log.modes] + list(log.processes)
    if len(log.chunks):
        others.append("action")
    if len(log.commands):
        others.append("command")
    return list(dict.fromkeys([*log.nodes, *others]))


def _of_node(log: RunLog, node: str, pid: int, since_s: float) -> Iterator[Event]:
    yield _about("process_name", pid, 0, name=node)
    yield _about("process_sort_index", pid, 0, sort_index=pid)
    yield from _track(pid, _MODES, "mode")
    for change in log.modes:
        if change.node == node and change.t_s >= since_s:
            moment = {"ph": "i", "name": change.mode, "pid": pid, "tid": _MODES, "s": "p"}
            yield {**moment, "ts": change.t_s * 1e6, "args": {"reason": change.reason}}
    if node in log.cycles:
        yield from _cycles(_recent(log.cycles[node], since_s), pid)
    tid = _FIRST_STAGE
    for (owner, stage), rows in log.stages.items():
        if owner == node:
            lanes = list(_stage(stage, _recent(rows, since_s), pid, tid))
            yield from lanes
            tid += sum(event["name"] == "thread_name" for event in lanes)
    yield from _counters(log, node, pid, since_s)


def _stage(stage: str, rows: Rows, pid: int, first_tid: int) -> Iterator[Event]:
    """Yield the spans of a stage, in as many tracks as it takes for none to overlap another."""
    sound = np.isfinite(rows["start_s"]) & np.isfinite(rows["duration_s"])
    starts_s, durations_s = (rows["t_s"] + rows["start_s"])[sound], rows["duration_s"][sound]
    lanes = _lanes(starts_s, durations_s)
    for lane in range(max(lanes, default=-1) + 1):
        yield from _track(pid, first_tid + lane, f"{stage} ({lane + 1})" if lane else stage)
    for start_s, lasted_s, lane in zip(starts_s, durations_s, lanes, strict=True):
        yield _span(stage, pid, first_tid + lane, start_s, lasted_s)


def _cycles(rows: Rows, pid: int) -> Iterator[Event]:
    yield from _track(pid, _CYCLE, "whole cycle")
    columns = (rows[name] for name in ("t_s", "duration_s", "cycle", "missed"))
    for t_s, lasted_s, cycle, missed in zip(*columns, strict=True):
        args = {"cycle": int(cycle), "missed so far": int(missed)}
        yield {**_span("cycle", pid, _CYCLE, t_s, lasted_s), "args": args}


def _counters(log: RunLog, node: str, pid: int, since_s: float) -> Iterator[Event]:
    chunks, commands = (_recent(table, since_s) for table in (log.chunks, log.commands))
    if node == "action":
        age_ms = chunks["features_age_s"] * 1e3
        yield from _counter("features' age [ms]", pid, chunks["t_s"], age_ms)
    if node == "command":
        yield from _counter(f"speed [{log.speed_unit}]", pid, commands["t_s"], commands["speed"])
    if node in log.processes:
        used = _recent(log.processes[node], since_s)
        times_s = used["t_s"]
        elapsed_s = np.maximum(np.diff(times_s), 1e-9)
        percent = np.maximum(np.diff(used["cpu_s"]), 0.0) / elapsed_s * 100.0
        yield from _counter("CPU [%]", pid, times_s[1:], percent)
        yield from _counter("memory [MB]", pid, times_s, used["rss_mb"])


def _counter(name: str, pid: int, times_s: Floats, values: Floats) -> Iterator[Event]:
    for t_s, value in zip(times_s, values, strict=True):
        if isfinite(value):
            event = {"ph": "C", "name": name, "pid": pid, "tid": 0}
            yield {**event, "ts": float(t_s) * 1e6, "args": {"value": round(float(value), 4)}}


def _arrows(log: RunLog, pids: dict[str, int], since_s: float) -> Iterator[Event]:
    """Yield an arrow from the end of each encode to each tick that used its features."""
    if not {"vl_encoder", "action"} <= log.cycles.keys() or not len(log.features):
        return
    encodes, ticks = log.cycles["vl_encoder"], _recent(log.cycles["action"], since_s)
    chunks = _recent(log.chunks, since_s)
    if not len(ticks["t_s"]):
        return
    # An arrow belongs to the span that it begins in, and a span ends before its end.
    ends_s = encodes["t_s"] + np.maximum(encodes["duration_s"] - 1e-6, 0.0)
    stamps_s = log.features["stamp_s"]
    # The encode that had ended last when its features were received.
    made_by = np.searchsorted(encodes["t_s"], log.features["received_s"]) - 1
    used_s = chunks["t_s"] - chunks["features_age_s"]
    for number, (t_s, stamp_s) in enumerate(zip(chunks["t_s"], used_s, strict=True)):
        source = int(np.abs(stamps_s - stamp_s).argmin())
        encode = int(made_by[source])
        if encode < 0 or encodes["t_s"][encode] < since_s:
            continue
        if not abs(stamps_s[source] - stamp_s) <= _SAME_STAMP_S:  # nor if it is no number
            continue
        tick = int(np.abs(ticks["t_s"] - t_s).argmin())
        arrow = {"cat": "features", "name": "features used", "id": number}
        begin = {"pid": pids["vl_encoder"], "tid": _CYCLE, "ts": float(ends_s[encode]) * 1e6}
        end = {"pid": pids["action"], "tid": _CYCLE, "ts": float(ticks["t_s"][tick]) * 1e6}
        yield {"ph": "s", **arrow, **begin}
        yield {"ph": "f", "bp": "e", **arrow, **end}


def _recent(table: Table, since_s: float) -> Rows:
    """Return the columns of the rows from a moment on."""
    kept = table["t_s"] >= since_s
    return {name: table[name][kept] for name in table.columns}


def _lanes(starts_s: Floats, durations_s: Floats) -> list[int]:
    """Return a lane for each span, so that none overlaps another of its lane.

    Stages that wait for others (an image on its way while the last one is encoded) may overlap.
    """
    free_at_s: list[float] = []
    lanes = []
    for start_s, lasted_s in zip(starts_s, durations_s, strict=True):
        lane = next((i for i, end_s in enumerate(free_at_s) if end_s <= start_s), len(free_at_s))
        free_at_s[lane : lane + 1] = [start_s + lasted_s]
        lanes.append(lane)
    return lanes


def _span(name: str, pid: int, tid: int, start_s: float, lasted_s: float) -> Event:
    # A camera whose clock is ahead has images that arrive before they were captured.
    lasted_us = max(round(float(lasted_s) * 1e6, 3), 0.0)
    return {
        "ph": "X",
        "name": name,
        "pid": pid,
        "tid": tid,
        "ts": float(start_s) * 1e6,
        "dur": lasted_us,
    }


def _track(pid: int, tid: int, name: str) -> Iterator[Event]:
    yield _about("thread_name", pid, tid, name=name)
    yield _about("thread_sort_index", pid, tid, sort_index=tid)


def _about(kind: str, pid: int, tid: int, **args: Any) -> Event:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": args}
