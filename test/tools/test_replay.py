"""The command line on a small bag and a small policy; what needs the graph is not run here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

sys.path += [str(Path(__file__).parents[1] / room) for room in ("models", "replay")]
from lockstep_bag import T0_NS, TYPES, latency, make, write_bag
from tiny_policy import tiny_recipe

from vla_ros.core.errors import ParameterError
from vla_ros.data.bag_reader import BagReader
from vla_ros.models.recipes import make as make_checkpoint
from vla_ros.replay.lockstep_baseline import load_baseline
from vla_ros.replay.lockstep_replay import run_lockstep
from vla_ros.replay.lockstep_settings import LockstepSettings
from vla_ros.replay.settings import ReplaySettings
from vla_ros.report.run_report import read_log
from vla_ros.tools import replay

TRACES = "100,400,1500"


@pytest.fixture(scope="module", autouse=True)
def torch_as_it_was():
    """Undo for other tests what a replay in this process asks of torch."""
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("policy")
    make_checkpoint(folder, tiny_recipe(), seed=3)
    return folder


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    told = make(TYPES["/instruction"], data="insert")
    more = [
        (1450, "/instruction", TYPES["/instruction"], told),
        (700, "/latency", TYPES["/latency"], latency(T0_NS, 333.0)),
    ]
    return write_bag(tmp_path_factory.mktemp("run") / "bag", 3.0, more=more, as_jpeg=["camera_2"])


def options(bag, checkpoint, out, *more):
    lockstep = ["--mode", "lockstep", "--checkpoint", str(checkpoint), "--threads", "1"]
    return [str(bag), *lockstep, "--output-dir", str(out), *more]


@pytest.fixture
def lockstep(bag, checkpoint, tmp_path, capsys):
    """Run with more options; return the last line's JSON."""
    count = iter(range(100))

    def _run(*more, bag=bag):
        given = options(bag, checkpoint, tmp_path / f"out{next(count)}", *more)
        assert replay.main(given) == 0
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return _run


@pytest.fixture(scope="module")
def whatif(bag, checkpoint, tmp_path_factory):
    """The what-if of three latencies, in this process."""
    out = tmp_path_factory.mktemp("whatif") / "out"
    return run_lockstep(
        LockstepSettings(
            bag=bag, output_dir=out, vl_latency_ms=TRACES, checkpoint=str(checkpoint), threads=1
        )
    )


def in_another_process(bag, checkpoint, out):
    given = options(bag, checkpoint, out, "--vl-latency-ms", TRACES)
    done = subprocess.run(
        [sys.executable, "-m", "vla_ros.tools.replay", *given],
        env=os.environ | {"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def hashes(result):
    return [(run["action_hash"], run["command_hash"]) for run in result["runs"]]


def test_another_process_gives_the_same_actions_bit_for_bit(whatif, bag, checkpoint, tmp_path):
    again = in_another_process(bag, checkpoint, tmp_path / "out")
    assert hashes(again) == hashes(whatif)
    assert again["action_hash"] == whatif["action_hash"]
    assert len(set(hashes(whatif))) == 3
    assert again["bag_hash"] == whatif["bag_hash"]


def test_a_latency_alone_gives_what_it_gives_among_others(whatif, lockstep):
    """What was kept of encodes for one latency changes nothing for the next."""
    alone = lockstep("--vl-latency-ms", "1500")
    assert hashes(alone) == hashes(whatif)[2:]
    assert alone["action_hash"] == alone["runs"][0]["action_hash"]
    assert whatif["encodes_reused"] > 0 and alone["encodes_reused"] == 0


def test_the_longer_the_encode_the_older_the_features_and_the_farther_the_actions(whatif):
    runs = whatif["runs"]
    assert [run["vl_latency_ms"] for run in runs] == [100.0, 400.0, 1500.0]
    ages = [run["features_age_ms"]["p50"] for run in runs]
    assert ages == sorted(ages) and ages[2] > ages[0] + 300
    assert runs[0]["action_difference"]["max_abs"] == 0.0
    assert all(run["action_difference"]["max_abs"] > 0.0 for run in runs[1:])
    assert [run["ticks"] for run in runs] == sorted((run["ticks"] for run in runs), reverse=True)


def test_the_run_folders_are_those_of_any_run(whatif):
    for run in whatif["runs"]:
        folder = Path(run["folder"])
        kept = np.load(folder / "actions.npz")
        assert kept["chunks"].shape == (run["ticks"], 8, 7)
        assert len(kept["commands"]) == run["commands"]
        assert np.isfinite(kept["chunks"]).all()
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["chunk_period"]["ticks"] == run["ticks"]
        assert summary["unreadable"] == {}
        assert (folder / "timeline.png").stat().st_size > 0
        log, _ = read_log(folder / "bag")
        took_ms = log.cycles["vl_encoder"]["duration_s"] * 1e3
        np.testing.assert_allclose(took_ms, run["vl_latency_ms"])
        assert log.chunks["features_age_s"].max() * 1e3 == pytest.approx(
            run["features_age_ms"]["max"]
        )
    result = Path(whatif["runs"][0]["folder"]).parent / "lockstep.json"
    assert json.loads(result.read_text()) == whatif


def test_a_bags_own_latencies_give_the_run_that_was_recorded(whatif, lockstep, tmp_path):
    """A lockstep run stands in for the recorded one; its outputs are put beside the inputs."""
    first = whatif["runs"][1]
    with BagReader(Path(first["folder"]) / "bag") as outputs:
        more = [
            ((one.log_ns - T0_NS) / 1e6, one.topic, one.msgtype, outputs.decode(one))
            for one in outputs.messages(["/action_chunk", "/latency", "/instruction"])
        ]
    bag = write_bag(tmp_path / "bag", 3.0, more=more, as_jpeg=["camera_2"])
    again = lockstep("--vl-latency-ms", "recorded,400", bag=bag)
    assert hashes(again) == [(first["action_hash"], first["command_hash"])] * 2
    told = again["runs"][0]["recorded_chunks"]
    assert told["recorded"] == told["compared"] == told["equal"] == first["ticks"]
    assert told["features_age_difference_ms"]["max"] == 0.0


def test_repeats_compute_everything_again(lockstep):
    once = lockstep("--vl-latency-ms", "recorded", "--repeats", "3", "--max-seconds", "1.2")
    assert once["repeats"] == 3 and once["seconds"] <= 1.2
    assert once["runs"][0]["vl_latency_ms"] == "recorded"


def test_a_repeat_that_differs_fails(bag, checkpoint, tmp_path, capsys, monkeypatch):
    from vla_ros.models.vl_encoder import VlEncoder

    encode, calls = VlEncoder.encode, []

    def drifting(self, *args, **kwargs):
        encoded = encode(self, *args, **kwargs)
        calls.append(encoded)
        encoded.data[0] += 1e-3 * len(calls)
        return encoded

    monkeypatch.setattr(VlEncoder, "encode", drifting)
    more = ["--vl-latency-ms", "100", "--repeats", "2", "--max-seconds", "0.6"]
    assert replay.main(options(bag, checkpoint, tmp_path / "out", *more)) == 1
    assert "repeat 2 of 100ms: action_hash is" in capsys.readouterr().err
    result = tmp_path / "out" / "lockstep.json"
    assert len(json.loads(result.read_text())["unequal"]) == 2  # actions and commands
    cases = ElementTree.parse(tmp_path / "out" / "junit.xml").getroot()
    assert (cases.get("failures"), cases.get("skipped")) == ("1", "1")
    with pytest.raises(ParameterError, match="whose repeats differ"):
        load_baseline(result)


def test_the_seed_of_the_flow_head_and_the_instruction_decide(lockstep):
    short = ("--vl-latency-ms", "100", "--max-seconds", "0.6")
    flow = (*short, "--head", "flow")
    seeds = [lockstep(*flow, "--seed", seed)["action_hash"] for seed in ("0", "0", "1")]
    assert seeds[0] == seeds[1] != seeds[2]
    texts = [lockstep(*short, "--instruction", text)["action_hash"] for text in ("pull", "push")]
    assert texts[0] != texts[1]


def test_fewer_inputs(checkpoint, lockstep, tmp_path):
    few = write_bag(tmp_path / "few", 1.0, without=["/sensor", "/joint_states", "/camera_5"])
    run = lockstep("--vl-latency-ms", "100", "--no-sensor", "--no-robot-states", bag=few)
    assert run["views"] == ["camera_1", "camera_2", "camera_3", "camera_4"]
    assert run["runs"][0]["modes"]["RUNNING"] > 0.9


def test_a_baseline_is_the_same_actions(whatif, bag, checkpoint, tmp_path, capsys):
    old = Path(whatif["runs"][0]["folder"]).parent / "lockstep.json"
    more = ["--vl-latency-ms", "400", "--baseline", str(old)]
    assert replay.main(options(bag, checkpoint, tmp_path / "same", *more)) == 0
    capsys.readouterr()
    more += ["--instruction", "pull"]
    assert replay.main(options(bag, checkpoint, tmp_path / "other", *more)) == 1
    printed = capsys.readouterr()
    assert "baseline: at 400.0: action_hash is" in printed.err
    assert "instruction is 'pull', was" in printed.err and "model_id" not in printed.err
    assert json.loads(printed.out.splitlines()[-1])["mode"] == "lockstep"


def test_a_baseline_of_something_else_is_refused(bag, checkpoint, tmp_path, capsys):
    old = tmp_path / "old.json"
    for text, said in [("{}", "no lockstep.json"), ('{"mode": "live", "runs": [1]}', "mode live")]:
        old.write_text(text)
        given = options(bag, checkpoint, tmp_path / "out", "--baseline", str(old))
        assert replay.main(given) == 2
        assert said in capsys.readouterr().err


def test_missing_inputs_are_named_before_a_model_is_loaded(
    checkpoint, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("vla_ros.replay.lockstep_replay.load_encoder", None)
    bag = write_bag(tmp_path / "bag", 0.2, without=["/sensor", "/camera"])
    assert replay.main(options(bag, checkpoint, tmp_path / "out", "--vl-latency-ms", "35")) == 1
    said = capsys.readouterr().err
    assert said.startswith("replay: ") and "lacks images" in said and "--no-sensor" in said
    assert not (tmp_path / "out").exists()


def test_a_replay_is_never_overwritten(bag, checkpoint, tmp_path, capsys):
    (tmp_path / "out" / "35ms").mkdir(parents=True)
    assert replay.main(options(bag, checkpoint, tmp_path / "out", "--vl-latency-ms", "35")) == 2
    assert "35ms exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--vl-latency-ms", "soon"], "vl_latency_ms is 'soon'"),
        (["--views", "9"], "9 views; the checkpoint was made for 5"),
        (["--topics", "sensor=/nothing"], "topic sensor=/nothing"),
        (["--checkpoint", "/nowhere"], "checkpoint is '/nowhere'"),
    ],
)
def test_bad_settings_are_named(bag, checkpoint, tmp_path, capsys, more, said):
    assert replay.main(options(bag, checkpoint, tmp_path / "out", *more)) in (1, 2)
    captured = capsys.readouterr()
    assert said in captured.err and not captured.out


@pytest.mark.parametrize(
    "more",
    [
        ["--action-latency-ms", "-1"],
        ["--rate", "0"],
        ["--rate-hz", "nan"],
        ["--repeats", "two"],
        ["--topics", "sensor"],
        ["--launch", "views=3"],
        ["--mode", "live", "--vl-latency-ms", "35"],
        ["--mode", "lockstep", "--loop"],
        ["--mode", "dream"],
    ],
)
def test_bad_usage_exits_2(bag, more, capsys):
    with pytest.raises(SystemExit) as raised:
        replay.main([str(bag), *more])
    assert raised.value.code == 2
    said = capsys.readouterr().err
    assert "is allowed" in said or "it is for" in said or "invalid choice" in said


@pytest.mark.parametrize("mode", ["live", "sweep"])
def test_the_graphs_modes_get_their_settings(mode, bag, tmp_path, monkeypatch):
    asked = []
    module = type(sys)(f"vla_ros.replay.{mode}")
    setattr(module, f"run_{mode}", lambda settings: asked.append(settings) or 0)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    more = ["--no-sensor", "--views", "3", "--launch", "cameras:=a.yaml", "--rate", "2"]
    given = [str(bag.parent), "--mode", mode, "--output-dir", str(tmp_path), *more]
    assert replay.main(given) == 0
    assert asked == [
        ReplaySettings(
            bag=bag,
            output_dir=tmp_path,
            mode=mode,
            use_sensor=False,
            rate=2.0,
            repeats={"live": 5, "sweep": 1}[mode],
            launch_arguments={"views": "3", "cameras": "a.yaml"},
        )
    ]
