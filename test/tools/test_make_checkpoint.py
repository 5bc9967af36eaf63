from pathlib import Path

import pytest

from vla_ros.models.checkpoint import open_checkpoint
from vla_ros.models.policy import load_actor
from vla_ros.tools.make_checkpoint import main


@pytest.mark.parametrize(
    ("flags", "inputs"),
    [
        (["--no-sensor"], ("robot_states",)),
        (["--no-robot-states"], ("sensor",)),
        (["--no-sensor", "--no-robot-states"], ()),
    ],
)
def test_without_inputs(
    tmp_path: Path, capsys: pytest.CaptureFixture, flags: list[str], inputs: tuple[str, ...]
) -> None:
    out = tmp_path / "made" / "here"
    assert main([str(out), *flags, "--seed", "5"]) == 0
    checkpoint = open_checkpoint(out)
    assert checkpoint.config.input_sets == (inputs,)
    assert (checkpoint.config.sensor is None) == ("sensor" not in inputs)
    said = capsys.readouterr().out
    assert checkpoint.model_id() in said and "MB" in said
    uses = {"use_sensor": "sensor" in inputs, "use_robot_states": "robot_states" in inputs}
    assert load_actor(out, "flow", **uses).inputs == inputs


def test_a_folder_that_is_not_empty(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "mine").touch()
    assert main([str(tmp_path)]) == 1
    assert "exists already; a new or an empty folder is wanted" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_help_explains(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for word in ("embedded", "232m", "3b", "--no-sensor", "Qwen/Qwen2.5-VL-3B-Instruct"):
        assert word in text


def test_unknown_shape(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / "x"), "--shape", "7b"])
    assert caught.value.code == 2
    assert "embedded" in capsys.readouterr().err
