import json
import pickle
import shutil
from pathlib import Path

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

from vla_ros.core.errors import CheckpointError
from vla_ros.models.checkpoint import open_checkpoint
from vla_ros.models.policy import load_actor


def _change_config(folder: Path, **change: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def _change_tensors(folder: Path, **change: torch.Tensor | None) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path) | change
    save_file({name: t for name, t in tensors.items() if t is not None}, path)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere is no folder"):
        open_checkpoint(tmp_path / "nowhere")


def test_no_tensors(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors is missing"):
        load_actor(copy)


@pytest.mark.parametrize("keep", [0, 5, 2000, -1])
def test_truncated_tensors(copy: Path, keep: int) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="truncated or no safetensors file"):
        load_actor(copy)


class _Trap:
    def __reduce__(self) -> tuple:
        return Path.touch, (Path("sprung"),)


def test_a_pickle_is_not_read(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy)
    pickle.loads(pickle.dumps(_Trap()))
    assert Path("sprung").exists()  # the trap works
    Path("sprung").unlink()
    for file in ("model.safetensors", "vlm/model.safetensors"):
        torch.save(_Trap(), file)
    with pytest.raises(CheckpointError, match="no safetensors file"):
        load_actor(copy)
    assert not Path("sprung").exists()


def test_sizes_that_contradict_the_config(copy: Path) -> None:
    _change_config(copy, hidden=48)
    with pytest.raises(CheckpointError) as caught:
        load_actor(copy)
    assert "fuse.linear.weight: config.json makes it (48, 104), the file has (32, 104)" in str(
        caught.value
    )
    assert "more" in str(caught.value)


def test_lost_and_foreign_tensors(copy: Path) -> None:
    name = "experts.vl.flow.out.bias"
    tensor = load_file(copy / "model.safetensors")[name]
    _change_tensors(copy, **{name: None, "experts.vl.flow.exit.bias": tensor})
    with pytest.raises(CheckpointError) as caught:
        load_actor(copy)  # another expert's: still not a sound file
    assert f"{name}: config.json describes it, the file lacks it" in str(caught.value)
    assert "experts.vl.flow.exit.bias: the file has it, config.json does not" in str(caught.value)


def test_values_that_are_not_finite(copy: Path) -> None:
    name = "encoders.sensor.out.bias"
    _change_tensors(copy, **{name: torch.full((24,), float("nan"))})
    with pytest.raises(CheckpointError, match=f"{name} holds values that are not finite"):
        load_actor(copy)


def test_a_spread_of_zero(copy: Path) -> None:
    _change_tensors(copy, **{"encoders.sensor.std": torch.zeros(30)})
    with pytest.raises(CheckpointError, match=r"encoders\.sensor\.std has values not above 0"):
        load_actor(copy)


def test_half_precision_is_read(copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    _change_tensors(copy, **{name: tensor.bfloat16() for name, tensor in tensors.items()})
    assert load_actor(copy).head == "regression"


def test_model_id_names_the_contents(tiny: Path, copy: Path) -> None:
    model_id = open_checkpoint(tiny).model_id()
    assert len(model_id) == 16
    assert open_checkpoint(copy).model_id() == model_id
    ids = {model_id}
    for file in ("model.safetensors", "vlm/model.safetensors", "vlm/tokenizer.json"):
        path = copy / file
        content = bytearray(path.read_bytes())
        content[-2] ^= 1
        path.write_bytes(content)
        ids.add(open_checkpoint(copy).model_id())
    _change_config(copy, dt_s=0.2)
    ids.add(open_checkpoint(copy).model_id())
    assert len(ids) == 5


def test_model_id_does_not_depend_on_where_the_vlm_is(copy: Path, tmp_path: Path) -> None:
    model_id = open_checkpoint(copy).model_id()
    shutil.move(copy / "vlm", tmp_path / "elsewhere")
    _change_config(copy, vlm=str(tmp_path / "elsewhere"))
    checkpoint = open_checkpoint(copy)
    assert checkpoint.vlm_folder() == tmp_path / "elsewhere"
    assert checkpoint.model_id() == model_id


def test_no_vlm(copy: Path) -> None:
    _change_config(copy, vlm="/not/there")
    with pytest.raises(CheckpointError, match="/not/there is no folder; allowed: .*owner/name"):
        open_checkpoint(copy).vlm_folder()


def test_vlm_by_id(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(repo_id: str, allow_patterns: list[str]) -> str:
        asked.append((repo_id, "*.safetensors" in allow_patterns, "*.bin" in allow_patterns))
        return str(copy / "vlm")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    _change_config(copy, vlm="Qwen/Qwen2.5-VL-3B-Instruct")
    assert open_checkpoint(copy).vlm_folder() == copy / "vlm"
    assert asked == [("Qwen/Qwen2.5-VL-3B-Instruct", True, False)]


def test_vlm_id_that_the_hub_refuses(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(repo_id: str, allow_patterns: list[str]) -> str:
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    _change_config(copy, vlm="some/model")
    with pytest.raises(CheckpointError, match="'some/model'.*no folder.*hub.*no route"):
        open_checkpoint(copy).vlm_folder()
