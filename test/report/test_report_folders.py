"""Pages of several runs, of replays and of benchmarks; the command line that makes them."""

import json
import shutil

import pytest
from known_run import good_run, ticks
from test_page import Page
from test_run_report import T0_NS, record, twist

from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.definitions import typestore
from vla_ros.report.page_compare import Run, ratio
from vla_ros.report.page_folders import PageError, folder_page, is_folder
from vla_ros.report.run_report import write_comparison
from vla_ros.report.summary import summarize
from vla_ros.report.verdict import verdict
from vla_ros.tools import report

CHECK = {"name": "chunk rate", "ok": True, "value": 0.0, "limit": 1.0, "unit": "% off"}
VERDICT = {"holds": True, "stage": "", "reason": "It holds 10 Hz: <b>.", "checks": [CHECK]}


def replay():
    """Return what replay.json holds, of two repeats."""
    valid = {"valid": True, "reason": "", "folder": "/gone/run_1", "verdict": VERDICT}
    invalid = {"valid": False, "reason": "lag <9 ms", "folder": "/gone/run_2", "verdict": None}
    numbers = {"median": 1.5, "min": 1.0, "max": 2.0, "spread": 1.0, "values": [1.0, 2.0]}
    row = {"name": "tick_ms", "old": 1.0, "new": 1.5, "outcome": "regression"}
    return {
        "schema": 1,
        "mode": "live",
        "bag": {"path": "/bags/one", "hash": "abc"},
        "settings": {"rate": 1.0},
        "versions": {"numpy": "2"},
        "machine": {"name": "here"},
        "model_id": "m",
        "repeats": [valid, invalid],
        "measures": {"tick_ms": {"unit": "ms", "better": "lower", **numbers}},
        "verdict": {**VERDICT, "runs": 2, "runs_that_hold": 1},
        "comparison": {"baseline": "old.json", "warnings": [], "rows": [row], "regressions": 1},
    }


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """Return a folder with the bag of a run of 5 s in it."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    record(folder, 5)
    return folder


def test_a_replay_is_told_with_its_repeats_and_their_pages(tmp_path):
    (tmp_path / "run_1").mkdir()
    (tmp_path / "replay.json").write_text(json.dumps(replay()))
    assert is_folder(tmp_path)
    page = Page(folder_page(tmp_path, tmp_path))
    assert page.headings[0] == "It holds 10 Hz: <b>. 1 of 2 runs hold."
    assert {"invalid", "lag <9 ms", "regression", "1.50"} <= set(page.texts)
    assert "run_1/report.html" in page.values("href")


def test_a_sweep_is_told_with_every_run(tmp_path):
    trial = {"rate_hz": 80.0, "seconds": 3, "reason": "2 deadlines <missed", "folder": "/x/run_80"}
    sweeps = {"command": {"parameter": "command.rate_hz", "highest_hz": 50, "trials": [trial]}}
    told = {**replay(), "repeats": [], "verdict": None, "comparison": None, "sweeps": sweeps}
    (tmp_path / "replay.json").write_text(json.dumps(told))
    page = Page(folder_page(tmp_path, tmp_path))
    assert {"50 Hz held", "2 deadlines <missed", "run_80", "fails"} <= set(page.texts)


def test_a_lockstep_replay_is_told_with_its_hashes(tmp_path):
    run = {
        **{"vl_latency_ms": 35.0, "folder": "/x/35ms", "action_hash": "c0ffee" * 8},
        **{"ticks": 404, "commands": 2017, "encodes": 28},
        "features_age_ms": {"p50": 500.0, "p99": 900.0, "max": 1000.0},
        "modes": {"RUNNING": 0.967, "SLOWED": 0.033, "HOLD": 0.0},
        "action_difference": {"max_abs": 0.0},
        "command_difference": {"max_abs": 0.25},
    }
    runs = [run, {**run, "folder": "/x/381ms"}]
    (tmp_path / "lockstep.json").write_text(json.dumps({"bag": "/bag", "runs": runs}))
    (tmp_path / "elsewhere").mkdir()
    page = Page(folder_page(tmp_path, tmp_path / "elsewhere"))
    assert {"c0ffeec0ffeec0ff", "96.7", "2,017", "381ms", "0.25"} <= set(page.texts)
    (tmp_path / "35ms").mkdir()  # the folder was moved, and the run's with it
    page = Page(folder_page(tmp_path, tmp_path / "elsewhere"))
    assert "../35ms/report.html" in page.values("href")


@pytest.mark.parametrize("told", ["{", "[]", '{"mode": "live"}', '{"mode": 1, "bag": null}'])
def test_a_replay_that_is_none_is_refused_by_name(tmp_path, told):
    (tmp_path / "replay.json").write_text(told)
    with pytest.raises(PageError, match=r"replay\.json is not as"):
        folder_page(tmp_path, tmp_path)


def test_a_benchmark_is_told_with_its_table_and_picture(tmp_path):
    lines = ["Model,Type,VL (ms),FPS", "embedded,regression,381.20,2.6", "<x>,flow,1,"]
    (tmp_path / "comparison.csv").write_text("\n".join(lines))
    (tmp_path / "comparison.png").write_bytes(b"\x89PNG not really")
    page = Page(folder_page(tmp_path, tmp_path))
    assert {"VL (ms)", "381.20", "<x>"} <= set(page.texts)
    assert page.values("src")[0].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("value", "first", "better", "told"),
    [
        *((2.0, 1.0, "lower", "2.00 worse"), (2.0, 1.0, "higher", "2.00 better")),
        *((0.5, 1.0, "lower", "0.50 better"), (0.5, 1.0, "higher", "0.50 worse")),
        *((1.04, 1.0, "lower", "1.04"), (2.0, 1.0, "", "2.00")),
        *((0, 0, "lower", "-"), (0.0, 2.0, "lower", "0.00 better"), (3, 0, "higher", "better")),
        *((None, 1.0, "lower", "-"), (1.0, None, "lower", "-"), (1.0, 0.0, "lower", "worse")),
    ],
)
def test_a_ratio_says_which_way_is_better(value, first, better, told):
    assert ratio(value, first, better) == told


def test_runs_are_held_against_the_first(tmp_path):
    slow = good_run()
    ticks(slow, action_s=0.2)
    runs = []
    for name, log in (("fast <1>", good_run()), ("slow", slow)):
        arguments = {"arguments": {"action_head": name, "views": "5"}}
        summary = {**summarize(log), "configuration": arguments, "versions": {}}
        runs.append(Run(name, tmp_path / name, log, summary, verdict(summary)))
    write_comparison(runs, tmp_path / "comparison.html")
    page = Page((tmp_path / "comparison.html").read_text())
    assert page.headings == ["Verdicts", "Measures", "Latency", "What was different"]
    assert {"fast%20%3C1%3E/report.html", "slow/report.html"} <= set(page.values("href"))
    assert any(text.endswith(" worse") for text in page.texts)
    assert "configuration.arguments.action_head" in page.texts
    assert len(set(page.values("id"))) == len(page.values("id"))


def test_several_runs_get_a_page_each_and_one_that_compares_them(run_folder, capsys):
    second = run_folder.parent / "second"
    shutil.copytree(run_folder / "bag", second / "bag")
    assert report.main([str(run_folder), str(second / "bag")]) == 0
    for folder in (run_folder, second):
        assert {"report.html", "trace.json", "summary.json"} <= {p.name for p in folder.iterdir()}
    page = Page((run_folder.parent / "comparison.html").read_text())
    assert {"first/report.html", "second/report.html"} <= set(page.values("href"))
    assert f"comparison: {run_folder.parent / 'comparison.html'}" in capsys.readouterr().out


def test_what_fails_does_not_keep_the_others_from_their_report(run_folder, tmp_path, capsys):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "replay.json").write_text("{")
    paths = [tmp_path / "absent", tmp_path / "broken", run_folder, run_folder / "bag"]
    out = tmp_path / "out"
    assert report.main([*map(str, paths), "--output-dir", str(out)]) == 1
    told = capsys.readouterr().err
    assert "no bag" in told and "replay.json" in told
    # The same name twice is two folders.
    assert {p.name for p in out.iterdir()} == {"first", "first 2", "comparison.html"}
    assert (out / "first 2" / "report.html").is_file()


def test_a_bare_bag_gets_a_folder_beside_it(run_folder, tmp_path):
    [file] = (run_folder / "bag").glob("*.mcap")
    shutil.copy(file, tmp_path / "found.mcap")
    assert report.main([str(tmp_path / "found.mcap")]) == 0
    assert "found" in (tmp_path / "found_report" / "report.html").read_text()


def test_a_bag_that_was_cut_off_is_reported_as_far_as_it_goes(run_folder, tmp_path, capsys):
    shutil.copytree(run_folder / "bag", tmp_path / "cut" / "bag")
    [file] = (tmp_path / "cut" / "bag").glob("*.mcap")
    file.write_bytes(file.read_bytes()[:-100])
    assert report.main([str(tmp_path / "cut")]) == 0
    note = json.loads((tmp_path / "cut" / "summary.json").read_text())["bag"]["note"]
    assert note and note in capsys.readouterr().err
    assert note in Page((tmp_path / "cut" / "report.html").read_text()).texts


def test_a_bag_of_commands_alone_is_reported_too(tmp_path):
    msgtype = "geometry_msgs/msg/TwistStamped"
    with BagWriter(tmp_path / "bag") as bag:
        bag.add_topic("/command", msgtype)
        for step in range(10):
            data = bytes(typestore().serialize_cdr(twist(step * 0.02, 0.1), msgtype))
            bag.write("/command", data, T0_NS + step * 20_000_000)
    assert report.main([str(tmp_path)]) == 0
    page = Page((tmp_path / "report.html").read_text())
    assert "does not hold" in page.headings[0]
    assert "Cameras and sensor" not in page.headings


def test_no_path_is_bad_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        report.main([])
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err
