"""Prints what a checkpoint holds, how large it is, and what it will do on this machine."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vla_ros.core.errors import VlaError


def inspect(checkpoint: str, size: tuple[int, int], device: str, dtype: str) -> dict[str, Any]:
    """Return what there is to say about a checkpoint; all of it is loaded and checked.

    Raises:
        VlaError: the checkpoint is not sound, or cannot run here.
    """
    from vla_ros.models.checkpoint import open_checkpoint
    from vla_ros.models.config import expert_name
    from vla_ros.models.costs import weights
    from vla_ros.models.embedded import resolve_checkpoint

    folder = resolve_checkpoint(checkpoint)
    opened = open_checkpoint(folder)
    config, vlm = opened.config, opened.vlm_folder()
    held = weights(vlm)
    return {
        "checkpoint": str(folder),
        "model_id": opened.model_id(),
        "vlm": str(vlm),
        "vlm_type": json.loads((vlm / "config.json").read_text("utf-8"))["model_type"],
        "vlm_parameters": held.parameters,
        "vlm_bytes": held.size,
        "policy_bytes": opened.tensor_file.stat().st_size,
        "policy_parameters": check_policy(folder),
        "views": list(config.views),
        "layout": config.layout,
        "pooling": config.pooling,
        "features_shape": list(config.features_shape),
        "inputs": [expert_name(inputs) for inputs in config.input_sets],
        "heads": list(config.heads),
        "chunk": [config.horizon, config.action_dim],
        "dt_s": config.dt_s,
        "preflight": fly(folder, size, device, dtype),
    }


def check_policy(folder: Path) -> int:
    """Return the number of parameters of the encoders and experts, all compared and read."""
    import torch

    from vla_ros.models.checkpoint import load_strict, open_checkpoint
    from vla_ros.models.policy import PolicyModules

    opened = open_checkpoint(folder)
    with torch.device("meta"):
        whole = PolicyModules(opened.config)
    tensors = load_strict(opened.tensor_file, whole, lambda name: True)
    return sum(tensor.numel() for tensor in tensors.values())


def fly(folder: Path, size: tuple[int, int], device: str, dtype: str) -> dict[str, Any]:
    """Return the preflight with an encode that is timed here, and the stages of another."""
    from vla_ros.models.preflight import look_ahead
    from vla_ros.models.vl_encoder import load_encoder

    encoder = load_encoder(folder, device=device, dtype=dtype)
    width, height = size
    flight = look_ahead(encoder, height, width)
    encoded = encoder.warm_up(height, width)
    stages = {stage.name: stage.duration_ns / 1e9 for stage in encoded.stages}
    return flight.as_dict() | {
        "stages_s": stages,
        "says": str(flight),
        "warnings": flight.warnings(),
        "device": str(encoder.device),
        "dtype": str(encoder.dtype).removeprefix("torch."),
    }


def show(found: dict[str, Any]) -> None:
    """Print it for a reader."""
    chunk = f"{found['chunk'][0]} actions of {found['chunk'][1]} values, {found['dt_s']} s apart"
    shape = ["tokens" if size is None else str(size) for size in found["features_shape"]]
    lines = {
        "checkpoint": found["checkpoint"],
        "model": found["model_id"],
        "encoder": f"{found['vlm_type']}, {found['vlm_parameters'] / 1e6:.1f} M parameters, "
        f"{found['vlm_bytes'] / 1e6:.0f} MB, {found['vlm']}",
        "policy": f"{found['policy_parameters'] / 1e6:.1f} M parameters, "
        f"{found['policy_bytes'] / 1e6:.0f} MB",
        "views": ", ".join(found["views"]),
        "features": f"({', '.join(shape)}), layout {found['layout']}, pooling {found['pooling']}",
        "inputs": ", ".join(found["inputs"]),
        "heads": ", ".join(found["heads"]),
        "chunk": chunk,
        "preflight": found["preflight"]["says"],
    }
    for name, text in lines.items():
        print(f"{name:<12}{text}")
    for warning in found["preflight"]["warnings"]:
        print(f"{'':<12}{warning}")


def main(argv: Sequence[str] | None = None) -> int:
    """Inspect the checkpoint that the command line names; return the exit code."""
    parser = argparse.ArgumentParser("inspect", description=__doc__)
    parser.add_argument("checkpoint", help="a folder, or the word embedded")
    parser.add_argument("--width", type=int, default=640, help="of the cameras' images (640)")
    parser.add_argument("--height", type=int, default=360, help="likewise (360)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--dtype", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    try:
        found = inspect(args.checkpoint, (args.width, args.height), args.device, args.dtype)
    except (VlaError, OSError) as error:
        print(f"inspect: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(found))
    else:
        show(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
