"""Reads a vision-language model and its processor from their folder."""

import importlib
import inspect
from pathlib import Path
from typing import Any

import torch

from vla_ros.core.errors import CheckpointError
from vla_ros.models.late import transformers

# SmolVLM marks images as Idefics3 does, whose processor does not need what films need.
_NO_FILMS = {"smolvlm": "Idefics3Processor"}


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
            f"{folder} holds a {type(model).__name__}; a vision-language model is wanted"
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


def whole_processor(folder: Path, model_type: str) -> Any:
    """Return the processor of text and images.

    Not through AutoProcessor, as above: a processor that also takes films is made without that.

    Raises:
        CheckpointError: there is none for this model, or it cannot be loaded.
    """
    hf = transformers()
    try:
        kind = getattr(hf, _NO_FILMS.get(model_type) or _processor_name(model_type))
        if "video_processor" in inspect.signature(kind.__init__).parameters:
            kind = type(kind.__name__, (kind,), {"__init__": _without_films(kind)})
        return kind.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # as above
        raise CheckpointError(f"the processor in {folder} cannot be loaded: {error}") from error


def _without_films(kind: Any) -> Any:
    def make(
        self: Any, image_processor: Any, tokenizer: Any, chat_template: Any = None, **more: Any
    ) -> None:
        kind.__init__(self, image_processor, tokenizer, None, chat_template=chat_template, **more)

    return make


def _processor_name(model_type: str) -> str:
    auto = importlib.import_module("transformers.models.auto.processing_auto")
    return str(auto.PROCESSOR_MAPPING_NAMES[model_type])
