import json
from pathlib import Path

import pytest

from vla_ros.core.errors import CheckpointError
from vla_ros.models.config import expert_name, read_config
from vla_ros.models.recipes import RECIPES


@pytest.fixture
def data() -> dict:
    return json.loads(RECIPES["3b"].policy.to_json())


def _read(tmp_path: Path, data: object):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(data))
    return read_config(path)


@pytest.mark.parametrize("shape", RECIPES)
def test_config_survives_the_file(tmp_path: Path, shape: str) -> None:
    policy = RECIPES[shape].policy
    assert _read(tmp_path, json.loads(policy.to_json())) == policy


def test_sizes_of_the_reference(data: dict, tmp_path: Path) -> None:
    config = _read(tmp_path, data)
    assert sum(config.part_dims(("sensor", "robot_states")).values()) == 8192
    assert sum(config.part_dims(("robot_states",)).values()) == 5120
    assert (config.horizon, config.action_dim) == (8, 7)


def test_no_gripper_is_six_values(data: dict, tmp_path: Path) -> None:
    assert _read(tmp_path, data | {"gripper": False}).action_dim == 6


def test_names_of_experts() -> None:
    assert expert_name(()) == "vl"
    assert expert_name(("sensor", "robot_states")) == "vl+sensor+robot_states"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, ["format is 2", "allowed: 1"]),
        ({"layout": "mosaic"}, ["layout is 'mosaic'", "joint"]),
        ({"pooling": "max"}, ["pooling is 'max'", "mean"]),
        ({"prompt": "go"}, ["prompt is 'go'", "{instruction}"]),
        ({"views": []}, ["views", "at least one"]),
        ({"views": ["a", "a"]}, ["views", "once"]),
        ({"views": "camera_1"}, ["views is 'camera_1'", "a list"]),
        ({"views": [1]}, ["views[0] is 1", "a str"]),
        ({"heads": ["diffusion"]}, ["heads is 'diffusion'", "regression, flow"]),
        ({"heads": []}, ["heads", "regression, flow"]),
        ({"horizon": "8"}, ["horizon is '8'", "a int"]),
        ({"horizon": 0}, ["horizon is 0", "above 0"]),
        ({"horizon": True}, ["horizon is True", "a int"]),
        ({"dt_s": -0.1}, ["dt_s is -0.1", "above 0"]),
        ({"max_delta": [1.0]}, ["max_delta", "six"]),
        ({"max_delta": [1, 1, 1, 1, 1, 0]}, ["max_delta", "above 0"]),
        ({"gripper": 1}, ["gripper is 1", "a bool"]),
        ({"input_sets": []}, ["input_sets", "at least one"]),
        ({"input_sets": [["lidar"]]}, ["'lidar'", "sensor, robot_states"]),
        ({"input_sets": [["robot_states", "sensor"]]}, ["input_sets", "in this order"]),
        ({"sensor": None}, ["input_sets", "('sensor', 'robot_states')", "robot_states"]),
        ({"sensor": 3}, ["sensor is 3", "JSON object"]),
        ({"colour": 1}, ["unknown: colour", "known: format"]),
    ],
)
def test_bad_values_are_named(tmp_path: Path, data: dict, change: dict, words: list[str]) -> None:
    with pytest.raises(CheckpointError) as caught:
        _read(tmp_path, data | change)
    for word in [*words, "config.json"]:
        assert word in str(caught.value)


def test_bad_values_inside_a_window_are_named(tmp_path: Path, data: dict) -> None:
    data["sensor"]["rate_hz"] = 0
    with pytest.raises(CheckpointError, match=r"sensor\.rate_hz is 0\.0"):
        _read(tmp_path, data)
    data["sensor"].pop("rate_hz")
    with pytest.raises(CheckpointError, match="missing in sensor: rate_hz"):
        _read(tmp_path, data)


def test_missing_keys_are_named(tmp_path: Path, data: dict) -> None:
    del data["heads"], data["hidden"]
    with pytest.raises(CheckpointError, match="missing: heads, hidden"):
        _read(tmp_path, data)


def test_no_object(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="it is \\[\\]; allowed: a JSON object"):
        _read(tmp_path, [])


def test_no_json(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"format": 1,')
    with pytest.raises(CheckpointError, match="cannot be read as JSON"):
        read_config(tmp_path / "config.json")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no config\.json"):
        read_config(tmp_path / "config.json")
