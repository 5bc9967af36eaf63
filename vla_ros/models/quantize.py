"""Matrices of eight bits: on a CPU our own, on CUDA through torchao, imported when asked for."""

import importlib
from typing import Any

import torch

from vla_ros.core.errors import ParameterError
from vla_ros.models.int8_linear import replace_linear

# The configuration in torchao.quantization; both quantise activations row by row as they come.
_CONFIGS = {
    "int8": "Int8DynamicActivationInt8WeightConfig",
    "float8": "Float8DynamicActivationFloat8WeightConfig",
}
QUANTIZATIONS = ("none", *_CONFIGS)
_FLOAT8_FROM = (8, 9)  # compute capability
_UNIT = 16  # the kernels take matrices whose sides are multiples of this


def check_quantize(name: str, device: torch.device) -> None:
    """Raise ParameterError unless there is such a quantisation, and the device has it."""
    if name not in QUANTIZATIONS:
        raise ParameterError(f"quantize is {name!r}; {', '.join(QUANTIZATIONS)} is allowed")
    if name == "float8" and not _has_float8(device):
        raise ParameterError(
            f"quantize is 'float8', which {device} does not multiply; none, int8 is allowed"
        )
    if name != "none" and device.type != "cpu":
        _torchao()


def quantize_(model: torch.nn.Module, name: str) -> None:
    """Quantise the linear layers of a model in place, see `check_quantize`."""
    if name == "int8" and next(model.parameters()).device.type == "cpu":
        replace_linear(model)
    elif name != "none":
        torchao = _torchao()
        torchao.quantize_(model, getattr(torchao, _CONFIGS[name])(), filter_fn=_fits)


def _torchao() -> Any:
    try:
        return importlib.import_module("torchao.quantization")
    except ImportError as error:
        raise ParameterError(
            f"quantize needs the package torchao ({error}): pip install torchao, or quantize none"
        ) from error


def _fits(module: torch.nn.Module, _name: str) -> bool:
    if not isinstance(module, torch.nn.Linear):
        return False
    return module.in_features % _UNIT == 0 and module.out_features % _UNIT == 0


def _has_float8(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= _FLOAT8_FROM
