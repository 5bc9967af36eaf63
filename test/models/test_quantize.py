import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vla_ros.core.errors import ParameterError
from vla_ros.models.int8_linear import Int8Linear
from vla_ros.models.quantize import check_quantize, quantize_
from vla_ros.models.vl_encoder import load_encoder

TEXT = "insert the needle into the blue point"


def test_int8_is_near_float32_and_not_equal(tiny: Path, views) -> None:
    exact = load_encoder(tiny, device="cpu", dtype="float32").encode(views(3), TEXT).data
    encoder = load_encoder(tiny, device="cpu", dtype="float32", quantize="int8")
    got = encoder.encode(views(3), TEXT).data
    assert 0.999 < got @ exact / np.linalg.norm(got) / np.linalg.norm(exact) < 0.9999999


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_layer_of_eight_bits_is_off_by_its_steps(bias: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    exact = torch.nn.Linear(48, 20, bias=bias, dtype=dtype)
    x = torch.randn(2, 5, 48, dtype=dtype) * torch.logspace(-3, 3, 5)[:, None].to(dtype)
    with torch.inference_mode():
        wanted, got = exact(x), Int8Linear(exact)(x)
    assert got.shape == wanted.shape and got.dtype == dtype
    # Half a step of each factor, 48 times in random directions; tokens of every size alike.
    error = (got - wanted).float().norm(dim=-1) / wanted.float().norm(dim=-1)
    assert 1e-4 < error.max() < 0.03


def test_a_token_of_zeros_gives_the_bias() -> None:
    exact = torch.nn.Linear(16, 8)
    with torch.inference_mode():
        assert torch.equal(Int8Linear(exact)(torch.zeros(1, 16))[0], exact.bias)


def test_every_linear_layer_is_replaced_and_nothing_else() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Sequential(torch.nn.Linear(4, 2)))
    model.append(torch.nn.LayerNorm(2))
    quantize_(model, "int8")
    kinds = [type(model[0]), type(model[1][0]), type(model[2])]
    assert kinds == [Int8Linear, Int8Linear, torch.nn.LayerNorm]


def test_cuda_needs_torchao_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(ParameterError, match="quantize needs the package torchao"):
        check_quantize("int8", torch.device("cuda"))


@pytest.mark.parametrize(
    ("name", "message"),
    [("int3", "quantize is 'int3'; none, int8, float8"), ("float8", "cpu does not multiply")],
)
def test_what_there_is_not(name: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        check_quantize(name, torch.device("cpu"))
