"""Reads a vision-language model and its processor from their folder."""

from pathlib import Path
from typing import Any

import torch

from vla_ros.core.errors import CheckpointError
from vla_ros.models.late import transformers


def loaded_model(folder: Path, dtype: torch.dtype) -> Any:
    """Return the base model, without the output layer over the vocabulary."""
    try:
        model, report = transformers().AutoModel.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,  # never a pickle
            local_files_only=True,
            output_loading_info=True,
        )
    except Exception as error:  # files, formats, sizes, unknown models: many unrelated classes
        raise CheckpointError(f"the model in {folder} cannot be loaded: {error}") from error
    if missing := sorted(report["missing_keys"]):
        raise CheckpointError(
            f"{folder}: its config.json describes weights that its files lack: "
            f"{', '.join(missing[:8])}{' ...' if len(missing) > 8 else ''}"
        )
    if not hasattr(model, "get_image_features") or not hasattr(model.config, "image_token_id"):
        raise CheckpointError(
            f"{folder} holds a {type(model).__name__}; a vision-language model of the Qwen2.5-VL "
            "family is wanted"
        )
    return model


def loaded_processor(folder: Path) -> tuple[Any, Any]:
    """Return the tokenizer and the image processor.

    Not through AutoProcessor: that one makes a video processor too, which needs torchvision.
    """
    auto = transformers()
    try:
        tokenizer = auto.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return tokenizer, auto.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # as above
        raise CheckpointError(f"the processor in {folder} cannot be loaded: {error}") from error
