"""What runs amount to, how results are compared, and the files that tell it."""

import json
from xml.etree import ElementTree

import pytest
from fake_runs import make_bag, make_summary

from vla_ros.core.errors import VlaError
from vla_ros.data.bag_reader import BagReader
from vla_ros.replay import baseline, result_files
from vla_ros.replay.live import judge
from vla_ros.replay.results import Repeat, collect, identify, load, number, spreads, table
from vla_ros.replay.settings import ReplaySettings
from vla_ros.report.measures import Measure


def measure(median, *, spread=0.0, unit="ms", better="lower"):
    return {"median": median, "spread": spread, "unit": unit, "better": better}


@pytest.fixture
def settings(tmp_path):
    return ReplaySettings(make_bag(tmp_path / "recorded"), tmp_path)


@pytest.fixture
def result(settings, tmp_path):
    repeats = [
        judge(tmp_path / "run_1", make_summary()),
        judge(tmp_path / "run_2", make_summary(missed=2)),
        Repeat(tmp_path / "run_3", fault="the input lagged"),
    ]
    return json.loads(json.dumps(collect(settings, repeats), allow_nan=False))


def test_spreads_are_taken_over_what_was_measured():
    runs = [{"a_ms": Measure(value, "ms", "lower")} for value in (3.0, None, 1.0, 2.5)]
    runs[0]["once"] = Measure(7.0, "", "")
    found = spreads(runs)
    assert found["a_ms"] == {
        **{"unit": "ms", "better": "lower", "median": 2.5, "min": 1.0, "max": 3.0, "spread": 2.0},
        "values": [3.0, None, 1.0, 2.5],
    }
    assert found["once"]["values"] == [7.0]
    nothing = spreads([{"a_ms": Measure(None, "ms", "lower")}])["a_ms"]
    assert (nothing["median"], nothing["spread"]) == (None, None)


def test_the_result_says_what_it_is_of(result):
    assert (result["mode"], result["model_id"]) == ("live", "abc")
    assert result["machine"]["kind"] == result["versions"]["machine"]
    assert [repeat["valid"] for repeat in result["repeats"]] == [True, True, False]
    assert result["settings"]["bag"] == result["bag"]["path"]


def test_a_bag_is_the_same_wherever_it_lies(tmp_path):
    one = make_bag(tmp_path / "one")
    moved = one.rename(tmp_path / "two")
    assert identify(moved) == identify(moved)
    assert identify(moved) != identify(make_bag(tmp_path / "other", ["/sensor"]))
    [file] = moved.glob("*.mcap")
    before = identify(moved)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert identify(moved) != before


@pytest.mark.parametrize(
    ("name", "old", "allowed", "why"),
    [
        ("camera_to_command_p50_ms", measure(900.0), 90.0, "10% of the old median"),
        ("camera_to_command_p99_ms", measure(900.0), 450.0, "50% of the old median"),
        ("camera_to_command_p50_ms", measure(900.0, spread=200.0), 200.0, "the old spread"),
        ("chunk_jitter_ms", measure(0.02), 1.0, "too little to matter: 1 ms"),
        ("frames_lost", measure(0, unit=""), 5.0, "too little to matter: 5"),
        ("command_deadlines_missed", measure(0, unit=""), 0.0, "10% of the old median"),
    ],
)
def test_the_tolerance_is_stated(name, old, allowed, why):
    found = baseline.tolerance(name, old)
    assert found == (pytest.approx(allowed), why)


@pytest.mark.parametrize(
    ("old", "now", "outcome"),
    [
        (measure(100.0), 109.0, "same"),
        (measure(100.0), 111.0, "regression"),
        (measure(100.0), 85.0, "improved"),
        (measure(100.0), None, "gone"),
        (measure(10.0, unit="Hz", better="higher"), 8.9, "regression"),
        (measure(10.0, unit="Hz", better="higher"), 11.5, "improved"),
        (measure(0, unit=""), 1, "regression"),
    ],
)
def test_a_measure_is_compared_by_the_way_in_which_it_is_better(result, old, now, outcome):
    was = {**result, "measures": {"command_deadlines": old}}
    is_now = {**result, "measures": {"command_deadlines": {**old, "median": now}}}
    compared = baseline.compare(was, is_now, "old.json")
    assert [row["outcome"] for row in compared["rows"]] == [outcome]
    assert compared["regressions"] == (outcome in ("regression", "gone"))
    assert "old.json" in baseline.table(compared)


def test_what_has_no_better_is_not_compared(result):
    one = {**result, "measures": {"chunks_hz": measure(10.0, better="")}}
    assert baseline.compare(one, one, "")["rows"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": "sweep"}, "another mode sweep"),
        ({"model_id": "def"}, "another checkpoint def"),
        ({"bag": {"hash": "0"}}, "another bag 0"),
    ],
)
def test_results_of_something_else_are_not_compared(result, change, words):
    with pytest.raises(VlaError, match=words):
        baseline.compare({**result, **change}, result, "")


def test_another_machine_is_only_warned_of(result):
    other = {**result, "machine": {"name": "lab", "kind": "aarch64"}}
    compared = baseline.compare(other, result, "old.json")
    assert "warning: the baseline is of another machine: lab, aarch64" in baseline.table(compared)


def test_the_files(result, tmp_path):
    result["comparison"] = baseline.compare(result, result, "old.json")
    text = result_files.described(result)
    result_files.write(result, tmp_path, text)
    assert load(tmp_path) == load(tmp_path / "replay.json") == result
    assert (tmp_path / "replay.txt").read_text() == text + "\n"
    assert "run_3 invalid: the input lagged" in text
    assert "1 of 2 runs hold: It does not hold" in text
    assert max(map(len, table(result).splitlines()[3:])) <= 100


def test_junit_has_a_case_a_check_and_a_compared_measure(result):
    result["comparison"] = baseline.compare(result, result, "old.json")
    root = ElementTree.fromstring(ElementTree.tostring(result_files.junit(result).getroot()))
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["run_1", "run_2", "run_3", "baseline"]
    failed = {
        (suite, case.get("name"))
        for suite, element in suites.items()
        for case in element
        if case.find("failure") is not None
    }
    assert failed == {("run_2", "command deadlines missed"), ("run_3", "valid")}
    assert (root.get("failures"), suites["run_2"].get("failures")) == ("2", "1")
    assert int(root.get("tests")) == sum(len(suite) for suite in root)
    assert int(root.get("skipped")) > 0


def test_the_mcap_has_a_message_a_run(result, tmp_path):
    result_files.write(result, tmp_path, "")
    with BagReader(tmp_path / "results.mcap") as bag:
        messages = [bag.decode(record) for record in bag.messages(["/replay/measures"])]
    statuses = [message.status[0] for message in messages]
    assert [status.name for status in statuses] == ["run_1", "run_2", "run_3"]
    assert [status.level for status in statuses] == [0, 1, 2]
    values = {pair.key: pair.value for pair in statuses[0].values}
    assert values["camera_to_command_p50_ms"] == "900.0"
    assert statuses[2].message == "the input lagged"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 99}', '{"schema": 1}'])
def test_what_is_no_result_is_refused(tmp_path, text):
    (tmp_path / "replay.json").write_text(text)
    with pytest.raises(VlaError, match=r"replay\.json|result of schema"):
        load(tmp_path / "replay.json")


def test_numbers_keep_the_digits_that_tell_something():
    shown = [number(value) for value in (None, 0.0, 12.0, 0.012345, 123.456, 12345.678, 1e9)]
    assert shown == ["-", "0", "12", "0.01235", "123.5", "12345.7", "1000000000.0"]
