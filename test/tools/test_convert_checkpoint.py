"""Files of weights, sound and broken in every way that one meets."""

import dataclasses
import json
import os
import zipfile
from pathlib import Path

import pytest
import torch

from vla_ros.models.config import WindowConfig
from vla_ros.models.policy import PolicyModules, load_actor
from vla_ros.models.recipes import RECIPES
from vla_ros.tools import convert

WINDOW = WindowConfig(window=5, channels=4, rate_hz=100.0, width=8, dim=8)
CONFIG = dataclasses.replace(
    RECIPES["embedded"].policy,
    feature_dim=16,
    sensor=None,
    robot_states=WINDOW,
    input_sets=(("robot_states",),),
    hidden=16,
)


@pytest.fixture
def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return dict(PolicyModules(CONFIG).state_dict())


class Case:
    """A folder with config.json, the file to convert, and where to."""

    def __init__(self, folder: Path) -> None:
        self.config, self.source, self.out = (
            folder / name for name in ("config.json", "best.pt", "made")
        )
        self.config.write_text(CONFIG.to_json())

    def convert(self, *options: str) -> int:
        return convert.main(
            [str(self.source), str(self.out), "--config", str(self.config), *options]
        )


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.mark.parametrize("nested", [None, "state_dict", "model_state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "module._orig_mod."])
def test_sound_files(case: Case, weights, prefix: str, nested: str | None) -> None:
    named = {prefix + name: tensor.bfloat16() for name, tensor in weights.items()}
    torch.save({nested: named, "epoch": 3} if nested else named, case.source)
    assert case.convert() == 0
    (case.out / "vlm").mkdir()  # the action side does not read it
    actor = load_actor(case.out, use_sensor=False, device="cpu")
    for name, tensor in actor._expert.state_dict().items():
        whole = weights[f"experts.vl+robot_states.regression.{name}"]
        torch.testing.assert_close(tensor, whole.bfloat16().float())


def test_names_and_the_vlm_are_given(case: Case, weights) -> None:
    named = {n.replace("encoders.robot_states.", "state_net."): t for n, t in weights.items()}
    torch.save(named | {"vl_model.embed": torch.zeros(3)}, case.source)
    options = ["--rename", "state_net.=encoders.robot_states.", "--drop", "vl_model."]
    assert case.convert(*options, "--vlm", "owner/name") == 0
    assert json.loads((case.out / "config.json").read_text())["vlm"] == "owner/name"


def _save_code(case: Case, weights) -> None:
    class Code:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(case.source.parent / "ran"),)

    torch.save(weights | {"code": Code()}, case.source)


def _truncate(case: Case, weights) -> None:
    torch.save(weights, case.source)
    case.source.write_bytes(case.source.read_bytes()[:-500])


def _another_archive(case: Case, weights) -> None:
    with zipfile.ZipFile(case.source, "w") as file:
        file.writestr("hello", "there")


def _wrong(weights, **change: torch.Tensor | None) -> dict[str, torch.Tensor]:
    name = "experts.vl+robot_states.flow.out.bias"
    value = change["value"]
    rest = {n: t for n, t in weights.items() if n != name}
    return rest if value is None else rest | {name: value}


FAULTS = {
    "is missing": lambda case, weights: None,
    "truncated, or nothing": _truncate,
    "nothing that torch.save wrote": lambda case, weights: case.source.write_bytes(b"\x00hello"),
    "nothing that torch.save": _another_archive,
    "holds more than weights": _save_code,
    "holds a list; a state dict": lambda case, weights: torch.save([1, 2], case.source),
    "holds a dict; a state dict": lambda case, weights: torch.save({}, case.source),
    "no tensor: epoch": lambda case, weights: torch.save(weights | {"epoch": 3}, case.source),
    "the file lacks it": lambda c, w: torch.save(_wrong(w, value=None), c.source),
    "makes it (56,), the file has (57,)": lambda c, w: torch.save(
        _wrong(w, value=torch.zeros(57)), c.source
    ),
    "not finite": lambda c, w: torch.save(_wrong(w, value=torch.full((56,), torch.nan)), c.source),
    "extra: the file has it": lambda c, w: torch.save(w | {"extra": torch.ones(1)}, c.source),
    "two tensors": lambda c, w: torch.save(
        w | {f"module.{next(iter(w))}": torch.ones(1)}, c.source
    ),
}


@pytest.mark.parametrize("says", FAULTS)
def test_each_fault_is_told_and_leaves_nothing(case: Case, weights, says: str, capsys) -> None:
    FAULTS[says](case, weights)
    assert case.convert() == 1
    assert says in capsys.readouterr().err
    left = {path.name for path in case.out.parent.iterdir()}
    assert left <= {"config.json", "best.pt"}  # no folder, whole or partial, and no code was run


def test_options_that_do_not_fit(case: Case, weights, capsys) -> None:
    torch.save(weights, case.source)
    assert case.convert("--rename", "nonsense") == 1
    assert "OLD=NEW is wanted" in capsys.readouterr().err
    case.out.mkdir()
    assert case.convert() == 1
    assert "exists already" in capsys.readouterr().err
    assert convert.main([str(case.source), str(case.out), "--shape", "9b"]) == 1
    assert "shape is '9b'; embedded, 232m, 3b" in capsys.readouterr().err
