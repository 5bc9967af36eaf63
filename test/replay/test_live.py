"""Live replays, with summaries in the place of the graph."""

import json
from dataclasses import replace

import pytest
from fake_runs import FakeGraph, make_bag, make_summary

from vla_ros.core.errors import BagError, ParameterError, VlaError
from vla_ros.replay import cpu_watch
from vla_ros.replay.live import arguments, run_live
from vla_ros.replay.settings import ReplaySettings


@pytest.fixture
def settings(tmp_path):
    return ReplaySettings(make_bag(tmp_path / "recorded"), tmp_path / "out", repeats=3)


def result_of(settings):
    return json.loads((settings.output_dir / "replay.json").read_text())


def test_each_repeat_is_a_run_of_its_own(settings):
    graph = FakeGraph(*(make_summary(camera_to_command_ms=ms) for ms in (900.0, 950.0, 910.0)))
    assert run_live(settings, graph) == 0
    folders = [settings.output_dir / f"run_{number}" for number in (1, 2, 3)]
    assert [run["output_dir"] for run in graph.runs] == [str(folder) for folder in folders]
    assert {run["bag"] for run in graph.runs} == {str(settings.bag)}
    found = result_of(settings)["measures"]["camera_to_command_p50_ms"]
    assert (found["median"], found["min"], found["max"], found["spread"]) == (910, 900, 950, 50)
    assert found["values"] == [900.0, 950.0, 910.0]


def test_a_run_whose_input_lagged_does_not_count(settings, capsys):
    lagged = make_summary(lag_ms=5.1, camera_to_command_ms=5000.0)
    assert run_live(settings, FakeGraph(make_summary(), lagged, make_summary())) == 0
    result = result_of(settings)
    assert [repeat["valid"] for repeat in result["repeats"]] == [True, False, True]
    assert result["measures"]["camera_to_command_p50_ms"]["max"] == 900.0
    out, err = capsys.readouterr()
    assert "2 of 3 runs are valid" in out
    assert "run_2 invalid: the input lagged 5.1 ms at p99; 5 ms are allowed" in out
    told = json.loads(out.splitlines()[-1])
    assert (told["valid"], told["repeats"], told["regressions"]) == (2, 3, None)
    assert told["result"] == str(settings.output_dir / "replay.json")
    assert "run_2: invalid" in err


def test_a_run_without_a_schedule_does_not_count_and_none_that_counts_is_a_failure(settings):
    silent = make_summary()
    del silent["diagnostics"]["bag_source"]
    never_played = make_summary()
    never_played["diagnostics"]["bag_source"]["values"]["lag_p99_ms"] = "nan"
    assert run_live(settings, FakeGraph(silent, never_played, make_summary(lag_ms=80.0))) == 1
    reasons = [repeat["reason"] for repeat in result_of(settings)["repeats"]]
    assert "did not tell" in reasons[0] and "nan ms" in reasons[1] and "80.0 ms" in reasons[2]


def test_a_launch_that_fails_after_a_good_one_is_a_run_that_does_not_count(settings):
    graph = FakeGraph(make_summary(), VlaError("launch failed:\nthe encoder died"), make_summary())
    assert run_live(settings, graph) == 0
    assert result_of(settings)["repeats"][1]["reason"] == "the launch failed: the encoder died"


def test_a_launch_that_fails_at_once_ends_the_replay(settings):
    with pytest.raises(VlaError, match="run_1: no such checkpoint"):
        run_live(settings, FakeGraph(VlaError("no such checkpoint")))


def test_one_run_that_does_not_hold_is_the_verdict(settings):
    held = make_summary()
    missed = make_summary(missed=4)
    assert run_live(settings, FakeGraph(held, missed, held)) == 0
    verdict = result_of(settings)["verdict"]
    assert not verdict["holds"]
    assert (verdict["runs_that_hold"], verdict["runs"]) == (2, 3)


def test_a_regression_against_the_baseline_fails(settings, tmp_path, capsys):
    run_live(settings, FakeGraph(*[make_summary()] * 3))
    old = settings.output_dir / "replay.json"
    again = replace(settings, output_dir=tmp_path / "again", baseline=old)
    assert run_live(again, FakeGraph(*[make_summary()] * 3)) == 0
    worse = replace(settings, output_dir=tmp_path / "worse", baseline=old)
    assert run_live(worse, FakeGraph(*[make_summary(camera_to_command_ms=1000.0)] * 3)) == 1
    assert "10% of the old median" in capsys.readouterr().out
    rows = {row["name"]: row for row in result_of(worse)["comparison"]["rows"]}
    assert rows["camera_to_command_p50_ms"]["outcome"] == "regression"


def test_a_baseline_of_another_bag_is_refused_before_anything_runs(settings, tmp_path):
    run_live(settings, FakeGraph(*[make_summary()] * 3))
    other = make_bag(tmp_path / "other", ["/camera_1/image_raw/compressed"])
    later = replace(
        settings,
        bag=other,
        output_dir=tmp_path / "later",
        baseline=settings.output_dir,
        use_sensor=False,
        use_robot_states=False,
    )
    graph = FakeGraph()
    with pytest.raises(VlaError, match="another bag .* another use_sensor True"):
        run_live(later, graph)
    assert not graph.runs and not later.output_dir.exists()


def test_what_is_asked_for_reaches_the_launch(settings):
    asked = replace(
        settings, rate=2.0, head="flow", use_sensor=False, launch_arguments={"views": "2"}
    )
    words = arguments(asked, {"profiler": "false"})
    wanted = {"source:=bag", "bag_rate:=2.0", "action_head:=flow", "use_sensor:=false"}
    assert wanted | {"use_robot_states:=true", "views:=2", "profiler:=false"} <= set(words)


def test_the_recorded_instruction_is_given_again_unless_there_is_another(settings, tmp_path):
    bag = make_bag(tmp_path / "told", instruction="find the red point")
    graph = FakeGraph(make_summary(), make_summary())
    once = replace(settings, bag=bag, repeats=1)
    run_live(once, graph)
    other = {"instruction": "stop"}
    run_live(replace(once, output_dir=tmp_path / "other", launch_arguments=other), graph)
    assert [run["instruction"] for run in graph.runs] == ["find the red point", "stop"]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"repeats": 0}, ParameterError, "repeats is 0"),
        ({"rate": 0.0}, ParameterError, "rate is 0.0; 0.01 to 100"),
        ({"loop": True}, ParameterError, "give duration_s"),
    ],
)
def test_settings_out_of_range_are_named(settings, changes, error, words):
    with pytest.raises(error, match=words):
        run_live(replace(settings, **changes), FakeGraph())


def test_a_bag_without_what_the_policy_needs_is_refused(settings, tmp_path):
    poor = make_bag(tmp_path / "poor", ["/camera_1/image_raw/compressed", "/joint_states"])
    with pytest.raises(BagError, match=r"lacks sensor \(or switch use_sensor off\), ee_pose"):
        run_live(replace(settings, bag=poor), FakeGraph())


def test_nothing_is_overwritten(settings):
    settings.output_dir.mkdir()
    (settings.output_dir / "kept").write_text("data")
    with pytest.raises(VlaError, match="is not empty"):
        run_live(settings, FakeGraph())


def test_a_runs_folder_stands_for_its_bag(settings, tmp_path):
    (tmp_path / "run").mkdir()
    make_bag(tmp_path / "run" / "bag")
    graph = FakeGraph(*[make_summary()] * 3)
    assert run_live(replace(settings, bag=tmp_path / "run"), graph) == 0
    assert graph.runs[0]["bag"] == str(tmp_path / "run" / "bag")


def test_the_profilers_cost_is_what_the_action_node_uses_more_beside_it(settings, monkeypatch):
    clock = iter([0.0, 10.0] * 4)
    used = {"on": iter([1.0, 1.9]), "off": iter([1.0, 1.7])}
    monkeypatch.setattr(cpu_watch.time, "monotonic", lambda: next(clock))

    def run(words, watch):
        side = "off" if "profiler:=false" in words else "on"
        monkeypatch.setattr(cpu_watch, "cpu_seconds", lambda pid: {"action": next(used[side])})
        watch("[bag_source]: WAITING -> RUNNING: plays /sensor", 1)
        watch("something else", 1)
        watch("[bag_source]: RUNNING: the bag is over", 1)
        if side == "on":
            FakeGraph(make_summary())(words, watch)

    assert run_live(replace(settings, repeats=1, profiler_cost=True), run) == 0
    cost = result_of(settings)["profiler_cost"]
    assert cost["action_period_percent"] == pytest.approx(2.0)
    assert cost["cpu_percent"]["action"] == {"on": [pytest.approx(9.0)], "off": [pytest.approx(7)]}
