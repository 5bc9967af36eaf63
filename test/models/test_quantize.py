import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vla_ros.core.errors import ParameterError
from vla_ros.models.quantize import check_quantize, quantize_
from vla_ros.models.vl_encoder import load_encoder

TEXT = "insert the needle into the blue point"


def test_int8_is_near_float32_and_not_equal(tiny: Path, views) -> None:
    pytest.importorskip("torchao")
    exact = load_encoder(tiny, device="cpu", dtype="float32").encode(views(3), TEXT).data
    encoder = load_encoder(tiny, device="cpu", dtype="float32", quantize="int8")
    got = encoder.encode(views(3), TEXT).data
    assert 0.999 < got @ exact / np.linalg.norm(got) / np.linalg.norm(exact) < 0.9999999


def test_sizes_that_the_kernels_do_not_take_stay() -> None:
    pytest.importorskip("torchao")
    model = torch.nn.Sequential(torch.nn.Linear(32, 32), torch.nn.Linear(32, 20))
    quantize_(model, "int8")
    assert type(model[0].weight) is not type(model[1].weight) is torch.nn.Parameter


def test_without_torchao(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(ParameterError, match="quantize needs the package torchao"):
        load_encoder(tiny, device="cpu", quantize="int8")
    assert load_encoder(tiny, device="cpu").config.views  # nothing else needs it


@pytest.mark.parametrize(
    ("name", "message"),
    [("int3", "quantize is 'int3'; none, int8, float8"), ("float8", "cpu does not multiply")],
)
def test_what_there_is_not(name: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        check_quantize(name, torch.device("cpu"))
