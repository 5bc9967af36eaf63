import csv
import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "models"))
from tiny_policy import tiny_recipe

from vla_ros.benchmark import workbench
from vla_ros.data.episode_import import import_episodes
from vla_ros.models.recipes import make
from vla_ros.models.vl_encoder import load_encoder
from vla_ros.tools import benchmark, simulated_recording

QUICK = ["--device", "cpu", "--num-iterations", "1"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policies") / "tiny"
    folder.mkdir()
    make(folder, tiny_recipe(), seed=3)
    return folder


def write_episode(folder: Path, sensor: bool = True) -> Path:
    """Write an episode as a lab would: images by number, and tables."""
    rng = np.random.default_rng(0)
    for view in ("front", "wrist"):
        (folder / "images" / view).mkdir(parents=True)
        for number in range(4):
            image = rng.integers(0, 256, (90, 160, 3), np.uint8)
            assert cv2.imwrite(str(folder / "images" / view / f"frame_{number}.jpg"), image)
    if sensor:
        np.savez(folder / "sensor.npz", values=rng.random((260, 30), np.float32))
    np.savetxt(folder / "robot_states.csv", rng.random((40, 12)), delimiter=",")
    return folder


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "comparison.csv").open() as file:
        return list(csv.DictReader(file))


def test_an_episode_with_every_comparison(tiny, tmp_path, capsys) -> None:
    episode, out = write_episode(tmp_path / "episode"), tmp_path / "out"
    given = ["--checkpoint-regression", str(tiny), "--checkpoint-flow", str(tiny)]
    compared = [
        *("--compare-sensors", "--compare-views", "--compare-layouts", "--compare-models"),
        *(str(tiny), "--compare-reuse", "1", "2", "--compare-batch", "1", "2"),
        *("--compare-resolutions", "320x180", "native"),
    ]
    options = ["--dataset-dir", str(episode), "--output-dir", str(out)]
    assert benchmark.main([*given, *compared, *options, *QUICK]) == 0
    made = rows(out)
    assert [row["Comparison"] for row in made[::4]] == [
        *("sensor", "views", "reuse", "resolution", "batch", "layout", "model")
    ]
    assert len(made) == 6 * 4 + 2
    assert {row["Type"] for row in made} == {"regression", "flow_matching"}
    by_views = [row for row in made if row["Comparison"] == "views"]
    assert [row["Views"] for row in by_views] == ["1", "2", "1", "2"]  # as many as there are
    assert int(by_views[1]["Tokens"]) > int(by_views[0]["Tokens"])
    assert [row["Sensor (ms)"] == "0.00" for row in made[:4]] == [False, True, False, True]
    assert all(float(row["VL (ms)"]) > 0 for row in made)
    written = json.loads((out / "flow_matching_results.json").read_text())
    assert written["settings"]["recording"] == str(episode)
    hashes = [tuple(h) for r in written["results"] for h in r["image_hashes"]]
    assert all(len(name) == 64 for images in hashes for name in images)
    assert (out / "comparison.png").stat().st_size > 10_000
    printed = capsys.readouterr()
    assert "reference, flow matching" in printed.out and str(out) in printed.out
    assert "100%" in printed.err


def test_one_head_without_sensor(tiny, tmp_path) -> None:
    episode = write_episode(tmp_path / "episode", sensor=False)
    given = ["--checkpoint-flow", str(tiny), "--dataset-dir", str(episode), "--num-views", "1"]
    options = ["--disable-sensor", "--disable-robot-states", "--quick", "--device", "cpu"]
    assert benchmark.main([*given, *options, "--output-dir", str(tmp_path / "out")]) == 0
    [row] = rows(tmp_path / "out")
    assert (row["Type"], row["Views"], row["Iterations"]) == ("flow_matching", "1", "3")
    assert (row["Sensor"], row["Robot states"]) == ("False", "False")
    assert not (tmp_path / "out" / "regression_results.json").exists()


def test_a_checkpoint_brings_its_sample(tiny, tmp_path) -> None:
    own = shutil.copytree(tiny, tmp_path / "own")
    write_episode(own / "sample")
    options = ["--checkpoint-regression", str(own), "--output-dir", str(tmp_path / "out")]
    assert benchmark.main([*options, *QUICK]) == 0
    written = json.loads((tmp_path / "out" / "regression_results.json").read_text())
    assert written["settings"]["recording"] == str(own / "sample")


def test_a_bag(tiny, tmp_path, capsys) -> None:
    import_episodes(write_episode(tmp_path / "episode"), tmp_path / "run" / "bag")
    given = ["--checkpoint-regression", str(tiny), "--dataset-dir", str(tmp_path / "run")]
    assert benchmark.main([*given, "--output-dir", str(tmp_path / "out"), *QUICK]) == 0
    [row] = rows(tmp_path / "out")
    assert (row["Views"], row["Sensor"], row["Robot states"]) == ("2", "True", "True")
    written = json.loads((tmp_path / "out" / "regression_results.json").read_text())
    assert written["settings"]["recording"] == str(tmp_path / "run" / "bag")


def test_the_first_try(tmp_path) -> None:
    """The embedded policy and the simulated robot."""
    assert benchmark.main([*QUICK, "--num-views", "1", "--output-dir", str(tmp_path / "out")]) == 0
    made = rows(tmp_path / "out")
    assert [(r["Model"], r["Type"]) for r in made] == [
        ("embedded", "regression"),
        ("embedded", "flow_matching"),
    ]
    assert all(int(r["Tokens"]) > 299 for r in made)  # of one view of 640x360


def test_the_simulated_recording_is_what_the_policy_takes() -> None:
    recording = simulated_recording.record()
    assert recording.sensor.values.shape[1] == 1026 and recording.states.values.shape[1] == 12
    assert recording.sensor.rate_hz == pytest.approx(650.0)
    assert recording.states.rate_hz == pytest.approx(100.0, rel=0.01)
    for frames in recording.views.values():
        assert len({frame.image().tobytes() for frame in frames}) == len(frames)
        assert frames[0].stamp_ns > recording.sensor.stamps_ns[65]
        assert frames[0].stamp_ns > recording.states.stamps_ns[65]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--device", "abacus"], "device is 'abacus'"),
        (["--dataset-dir", "/nowhere"], "/nowhere"),
        (["--checkpoint-flow", "/nowhere"], "checkpoint is '/nowhere', which is no folder"),
        (["--num-views", "5"], "num-views 1 to 2 is allowed"),
        ([], "the recording has no sensor; --disable-sensor measures without"),
    ],
)
def test_what_cannot_be_measured(tiny, tmp_path, options, reason, capsys) -> None:
    episode = write_episode(tmp_path / "episode", sensor=False)
    given = ["--checkpoint-regression", str(tiny), "--dataset-dir", str(episode), *QUICK]
    assert benchmark.main([*given, "--output-dir", str(tmp_path / "out"), *options]) == 1
    error = capsys.readouterr().err
    assert reason in error and "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_no_vl_time_of_text_alone(tiny, tmp_path, monkeypatch, capsys) -> None:
    """An encoder that gets the images and encodes black ones, as fast as it may be."""

    def load(*args, **options):
        encoder = load_encoder(*args, **options)
        encode = encoder.encode
        encoder.encode = lambda images, text: encode([np.zeros_like(i) for i in images], text)
        return encoder

    monkeypatch.setattr(workbench, "load_encoder", load)
    episode, out = write_episode(tmp_path / "episode"), tmp_path / "out"
    given = ["--checkpoint-regression", str(tiny), "--dataset-dir", str(episode), *QUICK]
    assert benchmark.main([*given, "--output-dir", str(out)]) == 1
    printed = capsys.readouterr()
    assert "the images do not reach the encoder: the features stay the same" in printed.err
    assert "VL" not in printed.out and not out.exists()


def test_a_checkpoint_without_that_expert(tmp_path, capsys) -> None:
    folder = tmp_path / "seeing"
    folder.mkdir()
    make(folder, tiny_recipe().without(sensor=True, robot_states=False), seed=0)
    episode = write_episode(tmp_path / "episode")
    given = ["--checkpoint-flow", str(folder), "--dataset-dir", str(episode), *QUICK]
    assert benchmark.main([*given, "--output-dir", str(tmp_path / "out")]) == 1
    assert "it has experts for: vl+robot_states" in capsys.readouterr().err
    assert benchmark.main([*given, "--output-dir", str(tmp_path / "o"), "--disable-sensor"]) == 0


def test_nothing_on_disk_is_overwritten(tmp_path, capsys) -> None:
    (tmp_path / "kept").write_text("kept")
    assert benchmark.main(["--output-dir", str(tmp_path)]) == 1
    assert "a new or an empty folder is allowed" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch, capsys) -> None:
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmark, "recording", interrupted)
    assert benchmark.main(["--output-dir", str(tmp_path / "out")]) == 1
    assert "benchmark: interrupted; nothing is written" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "wrong", [["--num-views", "0"], ["--compare-resolutions", "4k"], ["--compare-reuse", "x"]]
)
def test_wrong_usage(wrong, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        benchmark.main(wrong)
    assert end.value.code == 2
    assert wrong[-1] in capsys.readouterr().err
