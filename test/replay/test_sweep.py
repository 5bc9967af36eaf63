"""The search for the highest rate that holds."""

import json
from dataclasses import replace

import pytest
import yaml
from fake_runs import FakeGraph, make_bag, make_summary

from vla_ros.core.errors import ParameterError, VlaError
from vla_ros.replay.settings import ReplaySettings
from vla_ros.replay.sweep import AXES, overridden, run_sweep
from vla_ros.replay.sweep_search import highest

RATES = tuple(float(rate) for rate in range(1, 41))


class Machine:
    """Holds up to a rate, perhaps another one in long runs."""

    def __init__(self, short_hz, long_hz=None):
        self.limits = {"short": short_hz, "long": short_hz if long_hz is None else long_hz}
        self.tried = []

    def search(self, rates=RATES):
        return highest(rates, lambda r: self._run("short", r), lambda r: self._run("long", r))

    def _run(self, kind, rate_hz):
        self.tried.append((kind, rate_hz))
        return rate_hz <= self.limits[kind]


@pytest.mark.parametrize("limit_hz", [1.0, 2.0, 17.0, 39.0, 40.0])
def test_the_highest_rate_is_found_and_confirmed(limit_hz):
    machine = Machine(limit_hz)
    assert machine.search() == limit_hz
    assert machine.tried.count(("long", limit_hz)) == 2
    if limit_hz < 40.0:
        assert ("long", limit_hz + 1) in machine.tried
    assert sum(kind == "short" for kind, _ in machine.tried) <= 6


def test_nothing_holds():
    assert Machine(0.0).search() is None
    assert Machine(0.0, long_hz=99.0).search() is None


def test_long_runs_overrule_the_short_ones():
    assert Machine(20.0, long_hz=17.0).search() == 17.0
    assert Machine(20.0, long_hz=23.0).search() == 23.0
    assert Machine(20.0, long_hz=0.0).search() is None


def test_a_machine_that_cannot_decide_comes_to_an_end():
    answers = iter([True, False] * 200)
    found = highest(RATES, lambda rate_hz: rate_hz <= 20.0, lambda rate_hz: next(answers))
    assert found is None or found in RATES


class SweptGraph(FakeGraph):
    """Loses frames above a camera rate, misses deadlines above a command rate."""

    def __init__(self, camera_hz, command_hz):
        super().__init__()
        self.limits = {"bag_source": camera_hz, "command": command_hz}

    def __call__(self, arguments, watch):
        given = dict(word.split(":=", 1) for word in arguments)
        with open(given["params_file"]) as file:
            params = yaml.safe_load(file)
        camera_hz = params.get("/**/bag_source", {}).get("ros__parameters", {})
        lost = 4.0 if camera_hz.get("camera_rate_hz", 0) > self.limits["bag_source"] else 0.5
        command_hz = params["/**/command"]["ros__parameters"]["rate_hz"]
        missed = 3 if command_hz > self.limits["command"] else 0
        self.summaries = [make_summary(lost_percent=lost, missed=missed, hz=command_hz)]
        super().__call__(arguments, watch)


@pytest.fixture
def settings(tmp_path):
    params = tmp_path / "mine.yaml"
    params.write_text("/**/command: {ros__parameters: {rate_hz: 50.0, max_linear: 0.05}}\n")
    bag = make_bag(tmp_path / "recorded")
    return ReplaySettings(bag, tmp_path / "out", mode="sweep", params_file=params)


def test_both_rates_are_swept_one_at_a_time(settings, capsys):
    graph = SweptGraph(camera_hz=30.0, command_hz=250.0)
    assert run_sweep(settings, graph) == 0
    result = json.loads((settings.output_dir / "replay.json").read_text())
    assert result["measures"]["highest_camera_hz"]["median"] == 30.0
    assert result["measures"]["highest_command_hz"]["median"] == 250.0
    trials = result["sweeps"]["camera"]["trials"]
    assert [t["seconds"] for t in trials if t["rate_hz"] == 30.0].count(30.0) == 2
    reasons = {t["rate_hz"]: t["reason"] for t in trials}
    assert reasons[30.0] == "" and reasons[35.0] == "4.0 % of a camera's frames lost"
    out = capsys.readouterr().out
    assert "deadlines missed: 3" in out and "highest camera rate that holds: 30 Hz" in out
    durations = {run["bag_duration_s"] for run in graph.runs}
    assert durations == {"8.0", "30.0"}
    text = (settings.output_dir / "camera_01_50_hz" / "params.yaml").read_text()
    params = yaml.safe_load(text)
    assert params["/**/command"]["ros__parameters"] == {"rate_hz": 50.0, "max_linear": 0.05}


def test_a_run_whose_input_lagged_is_repeated_once(settings):
    late, good = make_summary(lag_ms=9.0), make_summary()
    only = replace(settings, sweeps=("command",))
    bad = make_summary(missed=1)
    # 200 Hz: late, then good; all above fail; two confirm, and the one above fails again.
    graph = FakeGraph(late, good, *[bad] * 3, good, good, late, late)
    assert run_sweep(only, graph) == 0
    result = json.loads((settings.output_dir / "replay.json").read_text())
    trials = result["sweeps"]["command"]["trials"]
    assert [t["rate_hz"] for t in trials][:2] == [200.0, 200.0]
    assert [t["input_lagged"] for t in trials] == [True, *[False] * 6, True, True]
    assert result["measures"]["highest_command_hz"]["median"] == 200.0


def test_a_rate_that_nothing_holds_fails(settings):
    assert run_sweep(settings, SweptGraph(camera_hz=0.5, command_hz=0.5)) == 1
    result = json.loads((settings.output_dir / "replay.json").read_text())
    assert result["sweeps"]["camera"]["highest_hz"] is None


def test_the_top_of_the_search_is_no_limit_of_the_machine(settings, capsys):
    only = replace(settings, sweeps=("command",))
    assert run_sweep(only, SweptGraph(camera_hz=30.0, command_hz=9999.0)) == 0
    assert "highest command rate that holds: at least 1000 Hz" in capsys.readouterr().out


def test_a_launch_that_never_works_ends_the_sweep(settings):
    with pytest.raises(VlaError, match="camera_01_50_hz: no such checkpoint"):
        run_sweep(settings, FakeGraph(VlaError("no such checkpoint")))


def test_the_override_reaches_every_name_of_the_node():
    base = {"command": {"ros__parameters": {"rate_hz": 50.0}}, "/**/action": {}}
    params = overridden(base, AXES["command"], 100.0)
    assert params["command"]["ros__parameters"]["rate_hz"] == 100.0
    assert params["/**/command"]["ros__parameters"]["rate_hz"] == 100.0
    assert base["command"]["ros__parameters"]["rate_hz"] == 50.0


def test_parameters_that_are_none_are_refused(settings, tmp_path):
    (tmp_path / "mine.yaml").write_text("- a list\n")
    with pytest.raises(ParameterError, match="list"):
        run_sweep(settings, FakeGraph())
