import json
from pathlib import Path

import pytest

from vla_ros.tools import inspect_checkpoint, make_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inspected") / "checkpoint"
    assert make_checkpoint.main([str(folder)]) == 0
    return folder


def test_what_is_in_it_and_what_it_will_do(checkpoint: Path, capsys) -> None:
    small = ["--width", "160", "--height", "90", "--device", "cpu"]
    assert inspect_checkpoint.main([str(checkpoint), *small]) == 0
    printed = capsys.readouterr().out
    for text in ("qwen2_5_vl", "camera_5", "vl+sensor+robot_states", "regression, flow"):
        assert text in printed
    assert inspect_checkpoint.main([str(checkpoint), *small, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["features_shape"] == [256] and found["chunk"] == [8, 7]
    assert found["preflight"]["tokens"] > 5 * 18
    assert found["preflight"]["encode_s"] > 0 and found["preflight"]["flops"] > 1e8
    assert f"{found['preflight']['tokens']} tokens" in found["preflight"]["says"]


def test_a_truncated_checkpoint(checkpoint: Path, tmp_path: Path, capsys) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text((checkpoint / "config.json").read_text())
    (broken / "vlm").symlink_to(checkpoint / "vlm")
    whole = (checkpoint / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert inspect_checkpoint.main([str(broken)]) == 1
    assert "truncated" in capsys.readouterr().err


def test_no_such_folder(capsys) -> None:
    assert inspect_checkpoint.main(["/nowhere"]) == 1
    assert "'/nowhere', which is no folder" in capsys.readouterr().err
