"""Traces of a run whose numbers are known: 20 encodes, 200 ticks, 1000 commands."""

import json
from collections import defaultdict

import numpy as np
import pytest
from known_run import good_run

from vla_ros.data.run_log import RunLog
from vla_ros.report.trace import trace_events, write_trace


@pytest.fixture(scope="module")
def log():
    return good_run()


@pytest.fixture(scope="module")
def events(log):
    return trace_events(log)


def of_kind(events, kind):
    return [event for event in events if event["ph"] == kind]


def threads(events):
    return {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}


def nodes(events):
    return {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}


def test_the_file_is_json_with_the_events(log, events, tmp_path):
    write_trace(log, tmp_path / "trace.json")
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"] == events


def test_every_track_has_a_name_and_time_never_runs_back(events):
    assert set(nodes(events).values()) == {"vl_encoder", "action", "command"}
    timed = [event for event in events if event["ph"] != "M"]
    stamps = [event["ts"] for event in timed]
    assert stamps == sorted(stamps) and stamps[0] == 0.0
    assert {e["pid"] for e in timed} <= nodes(events).keys()
    assert {(e["pid"], e["tid"]) for e in of_kind(events, "X")} <= threads(events).keys()


def test_durations_are_those_that_the_nodes_told(log, events):
    names, lasted = nodes(events), defaultdict(list)
    for event in of_kind(events, "X"):
        lasted[names[event["pid"]], event["name"]].append(event["dur"])
    for key, rows in log.stages.items():
        assert lasted[key] == pytest.approx(rows["duration_s"] * 1e6)
    assert lasted["action", "cycle"] == pytest.approx(log.cycles["action"]["duration_s"] * 1e6)


def test_each_tick_is_reached_by_an_arrow_from_the_encode_whose_features_it_used():
    log = good_run()
    log.chunks = RunLog().chunks
    for tick in range(200):  # each on the newest features that there were
        t_s = tick * 0.1
        made_s = max(np.floor(t_s - 0.4 + 1e-9), 0.0)
        log.chunks.append(t_s, tick, 1, t_s - made_s, 0.01, 0.0015, 0.01, 0.01)
    events = trace_events(log)
    spans = [e for e in of_kind(events, "X") if e["name"] == "cycle"]
    starts, ends = of_kind(events, "s"), {e["id"]: e for e in of_kind(events, "f")}
    assert len(starts) == 200
    for start in starts:
        end = ends[start["id"]]
        source, target = (
            next(
                s for s in spans if s["pid"] == e["pid"] and s["ts"] <= e["ts"] < s["ts"] + s["dur"]
            )
            for e in (start, end)
        )
        used_us = log.chunks["features_age_s"][start["id"]] * 1e6
        assert target["ts"] - source["ts"] == pytest.approx(used_us, abs=1.0)


def test_stages_that_overlap_get_lanes_of_their_own():
    log = RunLog()
    for t_s in (0.0, 1.0, 2.0):
        log.cycles["vl_encoder"].append(t_s, 1, 0, 0.5)
        log.stages["vl_encoder", "transport"].append(t_s, 0.0, 1.5)
    events = trace_events(log)
    spans = [e for e in of_kind(events, "X") if e["name"] == "transport"]
    names = threads(events)
    assert [names[e["pid"], e["tid"]] for e in spans] == ["transport", "transport (2)", "transport"]


def test_counters_and_modes_are_told(log, events):
    counters = defaultdict(list)
    for event in of_kind(events, "C"):
        counters[event["name"]].append(event["args"]["value"])
    assert counters["features' age [ms]"] == pytest.approx(log.chunks["features_age_s"] * 1e3)
    assert len(counters["speed [m/s]"]) == 1000
    assert counters["CPU [%]"] == pytest.approx([10.0] * 19)
    assert [(e["name"], e["ts"]) for e in of_kind(events, "i")] == [
        ("WAITING", 0.0),
        ("RUNNING", 1e6),
    ]


def test_what_is_no_number_is_left_out_and_nothing_ends_before_it_began(tmp_path):
    log = good_run()
    log.stages["action", "action"].append(20.0, float("nan"), 0.1)
    log.stages["action", "action"].append(20.1, 0.0, float("inf"))
    log.stages["action", "action"].append(20.2, 0.0, -0.001)
    log.cycles["action"].append(20.0, 200, 0, float("inf"))
    log.chunks.append(20.0, 200, 1, float("nan"), 0.0, 0.0, 0.0, 0.0)
    write_trace(log, tmp_path / "trace.json")
    spans = of_kind(trace_events(log), "X")
    assert min(span["dur"] for span in spans) == 0.0
    assert sum(span["name"] == "action" for span in spans) == 201


def test_of_a_long_run_the_end_is_traced(log, events):
    late = trace_events(log, last_s=5.0)
    assert {e["args"]["name"] for e in late if e["name"] == "thread_name"} == set(
        threads(events).values()
    )
    spans = [e for e in of_kind(late, "X") if e["name"] == "cycle"]
    assert min(e["ts"] for e in spans) >= 15e6 and len(spans) == 50 + 5
    assert len(of_kind(late, "C")) < 0.3 * len(of_kind(events, "C"))
    assert of_kind(late, "i") == []


def test_a_run_without_messages_has_an_empty_trace():
    assert trace_events(RunLog()) == []
