"""The vision-language encoder: images and an instruction in, one feature vector out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vla_ros.core.errors import CheckpointError
from vla_ros.core.latency import Stage, StageTimer
from vla_ros.models.checkpoint import Checkpoint, open_checkpoint
from vla_ros.models.hardware import (
    finisher,
    keep_memory,
    pick_device,
    pick_dtype,
    set_threads,
)
from vla_ros.models.late import transformers
from vla_ros.models.plain_vlm import PlainVlm
from vla_ros.models.preprocess import check_views, preprocess_for
from vla_ros.models.prompt import PromptBuilder
from vla_ros.models.qwen2_5_vl import FastQwen, is_known


@dataclass(frozen=True, slots=True)
class EncodedFeatures:
    """What the model made of one set of images, and the proof that they reached it."""

    data: NDArray[np.float32]  # (D,), mean over all tokens of the last hidden state
    view_tokens: NDArray[np.uint32]  # (V,) image tokens of each view
    image_grid_thw: NDArray[np.uint32]  # (V, 3) temporal, height and width patches of each view
    total_tokens: int  # length of the whole sequence, text included
    stages: tuple[Stage, ...]  # preprocess, vision, language


class VlEncoder:
    """A vision-language model without its output layer, and its processor."""

    def __init__(
        self, checkpoint: Checkpoint, model_id: str, device: torch.device, dtype: torch.dtype
    ) -> None:
        """Load the model; see `load_encoder`."""
        self.config = checkpoint.config
        self.model_id = model_id
        self.device = device
        self.dtype = dtype
        folder = checkpoint.vlm_folder()
        model = _loaded_model(folder, dtype).to(device).eval()
        hidden = model.config.get_text_config().hidden_size
        _check_dim(self.config.feature_dim, hidden, folder)
        tokenizer, processor = _loaded_processor(folder)
        fast = is_known(model)
        self._preprocess = preprocess_for(processor, device, still=fast)
        self._merged = int(processor.merge_size) ** 2
        image_token_id = model.config.image_token_id
        self._prompts = PromptBuilder(tokenizer, folder, image_token_id, self.config.prompt)
        self._vlm = FastQwen(model) if fast else PlainVlm(model)

    @torch.inference_mode()
    def encode(self, views: Sequence[NDArray[np.uint8]], instruction: str) -> EncodedFeatures:
        """Encode rgb images (H, W, 3), in the order of the configuration's views, and a text.

        Views may be missing: give those that there are. Sizes may differ.

        Raises:
            MessageError: the views or the instruction are not such as the model takes.
            CheckpointError: the images would not reach the model.
        """
        check_views(views, len(self.config.views))
        timer = StageTimer(finisher(self.device))
        with timer("preprocess"):
            patches, grid = self._preprocess(views)
            view_tokens = grid.prod(-1) // self._merged
            prompt = self._prompts.build(instruction, view_tokens.tolist())
        with timer("vision"):
            images = self._vlm.vision(patches, grid)
        _check_reached(prompt.image_mask, view_tokens, images)
        with timer("language"):
            hidden = self._vlm.language(prompt, images, grid)
            data = hidden[0].float().mean(0).cpu().numpy()
        return EncodedFeatures(
            data=data,
            view_tokens=view_tokens.numpy().astype(np.uint32),
            image_grid_thw=grid.numpy().astype(np.uint32),
            total_tokens=prompt.input_ids.shape[1],
            stages=tuple(timer.stages),
        )

    def warm_up(self, height: int = 360, width: int = 640) -> None:
        """Encode black views of this size once, so that the first real ones are not slower."""
        black = np.zeros((height, width, 3), np.uint8)
        self.encode([black] * len(self.config.views), "warm up")


def load_encoder(
    checkpoint_dir: Path, *, device: str = "auto", dtype: str = "auto", threads: int = 0
) -> VlEncoder:
    """Load the vision-language model of a checkpoint.

    Args:
        checkpoint_dir: the checkpoint's folder.
        device: auto, cpu, cuda or cuda:N.
        dtype: auto (bfloat16 where the hardware has it fast), float32 or bfloat16.
        threads: how many threads torch may use in this process; 0 leaves its own choice.

    Raises:
        CheckpointError: the checkpoint or the model that it names is not sound.
        ParameterError: there is no such device here, or no such dtype.
    """
    set_threads(threads)
    keep_memory()
    where = pick_device(device)
    checkpoint = open_checkpoint(checkpoint_dir)
    return VlEncoder(checkpoint, checkpoint.model_id(), where, pick_dtype(dtype, where))


def _loaded_model(folder: Path, dtype: torch.dtype) -> Any:
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


def _loaded_processor(folder: Path) -> tuple[Any, Any]:
    """Return the tokenizer and the image processor.

    Not through AutoProcessor: that one makes a video processor too, which needs torchvision.
    """
    auto = transformers()
    try:
        tokenizer = auto.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return tokenizer, auto.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # as above
        raise CheckpointError(f"the processor in {folder} cannot be loaded: {error}") from error


def _check_dim(described: int, hidden: int, folder: Path) -> None:
    if described != hidden:
        raise CheckpointError(
            f"feature_dim is {described}, but the model in {folder} has the hidden size {hidden}"
        )


def _check_reached(image_mask: Tensor, view_tokens: Tensor, images: Sequence[Tensor]) -> None:
    """Raise unless each view has as many places in the sequence as the vision tower gave tokens."""
    given = [len(image) for image in images]
    places = int(image_mask.sum())
    if given != view_tokens.tolist() or places != sum(given):
        raise CheckpointError(
            f"the images do not reach the model: the vision tower gave {given} tokens a view for "
            f"grids of {view_tokens.tolist()}, and the sequence has {places} places for them"
        )
