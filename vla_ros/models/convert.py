"""A PyTorch `.pt` file of weights to a checkpoint folder."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from vla_ros.core.errors import CheckpointError
from vla_ros.models.checkpoint import CONFIG_FILE, TENSOR_FILE, compare_shapes
from vla_ros.models.config import PolicyConfig
from vla_ros.models.policy import PolicyModules

_WRAPPERS = ("module.", "_orig_mod.")  # what data-parallel training and compiling put in front
_CODE = re.compile(r"GLOBAL (\S+)")  # how torch's refusal names what a pickle wants to call
_NESTED = ("state_dict", "model_state_dict", "model")


def convert(
    source: Path,
    out: Path,
    config: PolicyConfig,
    *,
    rename: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
) -> int:
    """Write a checkpoint folder from a file of weights; all of it, or nothing.

    Args:
        source: what `torch.save` wrote: a state dict, or a dict that holds one.
        out: the folder to make; it must not exist.
        config: what the weights are of.
        rename: beginnings of names, and what to put in their place.
        drop: beginnings of names, after renaming, that are left out.

    Returns:
        the number of tensors.

    Raises:
        CheckpointError: the file cannot be read, holds more than weights, or does not fit.
    """
    if out.exists():
        raise CheckpointError(f"{out} exists already; a new folder is wanted")
    tensors = renamed(read_weights(source), rename or {}, drop)
    with torch.device("meta"):
        described = PolicyModules(config).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in described.items()}
    compare_shapes(source, shapes, {name: tuple(t.shape) for name, t in tensors.items()})
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(f"{source}: {name} holds values that are not finite")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".converting-") as scratch:
        made = Path(scratch) / out.name
        made.mkdir()
        (made / CONFIG_FILE).write_text(config.to_json(), encoding="utf-8")
        save_file({name: t.float().contiguous() for name, t in tensors.items()}, made / TENSOR_FILE)
        made.rename(out)
    return len(tensors)


def read_weights(source: Path) -> dict[str, Tensor]:
    """Return the tensors in a file that `torch.save` wrote; no code in it is run.

    Raises:
        CheckpointError: it is missing, truncated, no such file, holds code, or no state dict.
    """
    if not source.is_file():
        raise CheckpointError(f"{source} is missing")
    try:
        held = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # truncated archives and other files: many unrelated classes
        if code := _CODE.search(str(error)):
            raise CheckpointError(
                f"{source} holds more than weights, which is not read: {code[1]}; save "
                "model.state_dict() alone"
            ) from error
        raise CheckpointError(
            f"{source} is truncated, or nothing that torch.save wrote ({type(error).__name__})"
        ) from error
    for name in _NESTED:
        if isinstance(held, dict) and isinstance(held.get(name), dict):
            held = held[name]
            break
    if not isinstance(held, dict) or not held:
        raise CheckpointError(f"{source} holds a {type(held).__name__}; a state dict is wanted")
    if other := [str(name) for name, value in held.items() if not isinstance(value, Tensor)]:
        raise CheckpointError(
            f"{source} holds what is no tensor: {', '.join(other[:8])}; a state dict is wanted, "
            f"alone or as one of {', '.join(_NESTED)}"
        )
    return held


def renamed(
    tensors: Mapping[str, Tensor], rename: Mapping[str, str], drop: Sequence[str]
) -> dict[str, Tensor]:
    """Return the tensors by the names that this package has for them.

    Raises:
        CheckpointError: two tensors get the same name.
    """
    result: dict[str, Tensor] = {}
    for old, tensor in tensors.items():
        name = _unwrapped(old)
        for beginning, other in rename.items():
            if name.startswith(beginning):
                name = other + name.removeprefix(beginning)
                break
        if name.startswith(tuple(drop)):
            continue
        if name in result:
            raise CheckpointError(f"two tensors would be called {name}; the second one is {old}")
        result[name] = tensor
    return result


def _unwrapped(name: str) -> str:
    while name.startswith(_WRAPPERS):
        name = name.partition(".")[2]
    return name
