"""What an encode costs: tokens, floating-point operations, bytes; from the model's sizes alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from vla_ros.core.errors import CheckpointError

_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1}
_NOT_MULTIPLIED = ("embed_tokens", "lm_head", "position_embedding")
Grid = Sequence[Sequence[int]]  # (V, 3): temporal, height and width patches of each view


@dataclass(frozen=True, slots=True)
class EncodeCost:
    """The least that an encode of a set of views takes, a multiplication and addition being two."""

    patches: int  # that enter the vision tower
    tokens: int  # that enter the language model
    vision_flops: float
    language_flops: float
    weight_bytes: int  # of the model's files, read once an encode

    @property
    def flops(self) -> float:
        """Return all floating-point operations."""
        return self.vision_flops + self.language_flops


@dataclass(frozen=True, slots=True)
class Weights:
    """What the safetensors files of a model's folder hold."""

    parameters: int
    size: int  # [bytes]
    vision: int  # parameters of the vision side that take part in products
    language: int  # likewise of the language side


def weights(folder: Path) -> Weights:
    """Return what the files hold, from their headers.

    Raises:
        CheckpointError: there is none, or one cannot be read.
    """
    parameters = size = vision = language = 0
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise CheckpointError(f"{folder} holds no .safetensors file")
    for path in files:
        try:
            with safe_open(path, "pt") as file:
                names = list(file.keys())
                slices = [file.get_slice(name) for name in names]
        except SafetensorError as error:
            raise CheckpointError(f"{path} is truncated or no safetensors file: {error}") from error
        for name, part in zip(names, slices, strict=True):
            shape, count = part.get_shape(), 1
            for length in shape:
                count *= length
            parameters += count
            size += count * _BYTES.get(part.get_dtype(), 1)
            if len(shape) > 1 and not any(word in name for word in _NOT_MULTIPLIED):
                seeing = "visual" in name or "vision" in name
                vision, language = vision + seeing * count, language + (not seeing) * count
    return Weights(parameters, size, vision, language)


def encode_cost(folder: Path, grid: Grid, sequences: Sequence[int]) -> EncodeCost:
    """Return what an encode costs.

    Args:
        folder: of the vision-language model.
        grid: the views' sizes in patches.
        sequences: tokens of each sequence that the language model is given.
    """
    config = json.loads((folder / "config.json").read_text("utf-8"))
    held = weights(folder)
    patches = sum(t * h * w for t, h, w in grid)
    if config["model_type"] == "qwen2_5_vl":
        vision = _qwen_vision(config["vision_config"], grid)
    else:  # the products alone; attention adds less
        vision = 2.0 * patches * held.vision
    text = config.get("text_config", config)
    attention = 2.0 * text["hidden_size"] * text["num_hidden_layers"]
    language = sum(2.0 * held.language * t + attention * t**2 for t in sequences)
    return EncodeCost(patches, sum(sequences), vision, language, held.size)


def _qwen_vision(config: dict[str, Any], grid: Grid) -> float:
    """Return the operations of Qwen2.5-VL's vision tower; a still image is embedded once."""
    hidden, depth = config["hidden_size"], config["depth"]
    merge, patch = config["spatial_merge_size"], config["patch_size"]
    patches = sum(t * h * w for t, h, w in grid)
    dense = 4 * hidden**2 + 3 * hidden * config["intermediate_size"]
    side = config["window_size"] // patch
    whole = len(config["fullatt_block_indexes"])
    pairs = sum((h * w) ** 2 for _, h, w in grid) * whole
    cut = sum(_cut(h, side) * _cut(w, side) for _, h, w in grid)  # of squares of window lengths
    pairs += cut * (depth - whole)
    merged = hidden * merge**2
    merger = patches / merge**2 * (merged**2 + merged * config["out_hidden_size"])
    embedding = patches * config.get("in_channels", 3) * patch**2 * hidden
    return 2.0 * (patches * dense * depth + 2 * pairs * hidden + merger + embedding)


def _cut(length: int, side: int) -> int:
    """Return the sum of squares of what a length is cut into by windows of a side."""
    return length // side * side**2 + (length % side) ** 2
