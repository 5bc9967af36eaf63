"""The vision-language encoder: images and an instruction in, features out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vla_ros.core.errors import CheckpointError
from vla_ros.core.latency import StageTimer
from vla_ros.models.checkpoint import Checkpoint, open_checkpoint
from vla_ros.models.compiled import check_compiled
from vla_ros.models.costs import EncodeCost, encode_cost
from vla_ros.models.features import EncodedFeatures as EncodedFeatures
from vla_ros.models.features import Encoder
from vla_ros.models.generic_encoder import GenericEncoder
from vla_ros.models.hardware import (
    finisher,
    keep_memory,
    pick_device,
    pick_dtype,
    set_threads,
)
from vla_ros.models.pooling import POOLINGS, Hidden
from vla_ros.models.preprocess import check_views, preprocess_for
from vla_ros.models.prompt import Prompt, PromptBuilder
from vla_ros.models.quantize import check_quantize, quantize_
from vla_ros.models.qwen2_5_vl import FastQwen, is_known
from vla_ros.models.view_gate import Reuse, ViewGate
from vla_ros.models.vlm_folder import loaded_model, loaded_processor


@dataclass(slots=True)
class _View:
    """What is kept of a view."""

    tokens: Tensor  # (N, D) what the vision tower made of its image
    grid: Tensor  # (3,)
    stamp_ns: int
    encode: int  # number of the encode that computed it
    hidden: Tensor | None = None  # (T, D) in layout per_view
    instruction: str = ""  # of `hidden`


class VlEncoder:
    """A Qwen2.5-VL model without its output layer, and its processor."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        model_id: str,
        device: torch.device,
        dtype: torch.dtype,
        reuse: Reuse,
        model: Any,
    ) -> None:
        """Take the model; see `load_encoder`."""
        self.config = checkpoint.config
        self.model_id = model_id
        self.device = device
        self.dtype = dtype
        self._folder = folder = checkpoint.vlm_folder()
        tokenizer, processor = loaded_processor(folder)
        self._preprocess = preprocess_for(processor, device, still=True)
        self._merged = int(processor.merge_size) ** 2
        image_token_id = model.config.image_token_id
        self._vlm = FastQwen(model)
        self._prompts = PromptBuilder(tokenizer, folder, image_token_id, self.config.prompt)
        self._gate, self._static_first = ViewGate(reuse, self.config.views), reuse.static_first
        self._views: dict[int, _View] = {}
        self._encodes = 0

    @torch.inference_mode()
    def encode(
        self,
        views: Sequence[NDArray[np.uint8]],
        instruction: str,
        *,
        stamps_ns: Sequence[int] | None = None,
        numbers: Sequence[int] | None = None,
    ) -> EncodedFeatures:
        """Encode rgb images (H, W, 3), in the order of the configuration's views, and a text.

        Views may be missing: give those that there are. Sizes may differ.

        Args:
            views: the images.
            instruction: what to do.
            stamps_ns: when each image was captured [ns]; by default now.
            numbers: which of the configuration's views these are, from 0; by default the first.

        Raises:
            MessageError: the views or the instruction are not such as the model takes.
            CheckpointError: the images would not reach the model.
        """
        check_views(views, len(self.config.views))
        given = tuple(numbers) if numbers is not None else tuple(range(len(views)))
        stamps = stamps_ns if stamps_ns is not None else [time.monotonic_ns()] * len(views)
        timer = StageTimer(finisher(self.device))
        computed = self._see(
            dict(zip(given, views, strict=True)), dict(zip(given, stamps, strict=True)), timer
        )
        kept = [self._views[number] for number in given]
        with timer("language"):
            hidden = self._layouts[self.config.layout](self, kept, instruction)
            data = POOLINGS[self.config.pooling](*hidden).cpu().numpy()
        return EncodedFeatures(
            data=data,
            view_tokens=np.array([len(view.tokens) for view in kept], np.uint32),
            image_grid_thw=torch.stack([view.grid for view in kept]).numpy().astype(np.uint32),
            total_tokens=sum(map(len, hidden.sequences)),
            view_stamps_ns=tuple(view.stamp_ns for view in kept),
            computed=computed,
            stages=tuple(timer.stages),
        )

    def _see(
        self,
        images: dict[int, NDArray[np.uint8]],
        stamps_ns: dict[int, int],
        timer: StageTimer,
    ) -> tuple[int, ...]:
        """Bring what is kept of the views up to date; return those that it took."""
        self._encodes += 1
        with timer("preprocess"):
            chosen = self._gate.choose(images, stamps_ns)
            if chosen:
                patches, grid = self._preprocess([images[number] for number in chosen])
        with timer("vision"):
            made = self._vlm.vision(patches, grid) if chosen else []
        if chosen:
            _check_tokens(made, (grid.prod(-1) // self._merged).tolist())
        for number, tokens, sizes in zip(chosen, made, grid if chosen else (), strict=True):
            self._views[number] = _View(tokens, sizes, stamps_ns[number], self._encodes)
        self._gate.computed(chosen, stamps_ns)
        return chosen

    def _joint(self, views: Sequence[_View], instruction: str) -> Hidden:
        """Put all views into one sequence."""
        order = list(range(len(views)))
        if self._static_first:
            order.sort(key=lambda index: views[index].encode)
        ordered = [views[index] for index in order]
        prompt = self._prompts.build(instruction, [len(view.tokens) for view in ordered])
        _check_places(prompt, ordered)
        images = [view.tokens for view in ordered]
        hidden = self._vlm.joint(prompt, images, torch.stack([view.grid for view in ordered]))
        places = prompt.image_mask[0].nonzero()[:, 0].to(hidden.device)
        parts = hidden[places].split([len(image) for image in images])
        return Hidden([hidden], [parts[order.index(index)] for index in range(len(views))])

    def _per_view(self, views: Sequence[_View], instruction: str) -> Hidden:
        """Give each view a sequence of its own; those of one size are computed together."""
        alike: dict[tuple[int, ...], list[_View]] = {}
        for view in views:
            if view.hidden is None or view.instruction != instruction:
                alike.setdefault(tuple(view.grid.tolist()), []).append(view)
        for group in alike.values():
            prompt = self._prompts.build(instruction, [len(group[0].tokens)])
            _check_places(prompt, group[:1])
            images = torch.stack([view.tokens for view in group])
            made = self._vlm.apart(prompt, images, group[0].grid[None])
            for view, hidden in zip(group, made, strict=True):
                view.hidden, view.instruction = hidden, instruction
        sequences = [view.hidden for view in views if view.hidden is not None]
        return Hidden(sequences, sequences)

    _layouts: ClassVar = {"joint": _joint, "per_view": _per_view}

    def cost(self, encoded: EncodedFeatures) -> EncodeCost:
        """Return what an encode like this one costs when no view is kept."""
        grid, text = encoded.image_grid_thw.tolist(), encoded.total_tokens
        sequences = [text]
        if self.config.layout == "per_view":
            around = (text - int(encoded.view_tokens.sum())) // len(grid)
            sequences = [int(tokens) + around for tokens in encoded.view_tokens]
        return encode_cost(self._folder, grid, sequences)

    def warm_up(self, height: int = 360, width: int = 640) -> EncodedFeatures:
        """Encode black views of this size once, so that the first real ones are not slower.

        What is compiled is compiled here.
        """
        black = np.zeros((height, width, 3), np.uint8)
        return self.encode([black] * len(self.config.views), "warm up")

    def compile(self, choice: str) -> None:
        """Compile from the next encode on; see `load_encoder`."""
        self._vlm.compile(choice, self.device)


def load_encoder(
    checkpoint_dir: Path,
    *,
    device: str = "auto",
    dtype: str = "auto",
    threads: int = 0,
    reuse: Reuse | None = None,
    compiled: str = "auto",
    quantize: str = "none",
) -> Encoder:
    """Load the vision-language model of a checkpoint.

    Args:
        checkpoint_dir: the checkpoint's folder.
        device: auto, cpu, cuda or cuda:N.
        dtype: auto (bfloat16 where the hardware has it fast), float32 or bfloat16.
        threads: how many threads torch may use in this process; 0 leaves its own choice.
        reuse: when a view keeps what was computed for it; by default never.
        compiled: auto (CUDA graphs where there is CUDA), on (torch.compile on a CPU too) or off.
            What cannot be compiled runs plainly, with a warning where `on` asked for it.
        quantize: none, int8, or float8 where CUDA has it (both by torchao there): linear layers.

    Raises:
        CheckpointError: the checkpoint or the model that it names is not sound.
        ParameterError: there is no such device, dtype, view or choice here, or no torchao
            where it is needed.
    """
    set_threads(threads)
    keep_memory()
    where = pick_device(device)
    check_compiled(compiled)
    check_quantize(quantize, where)
    checkpoint = open_checkpoint(checkpoint_dir)
    kind, vlm = pick_dtype(dtype, where), checkpoint.vlm_folder()
    model = loaded_model(vlm, kind).to(where).eval()
    _check_dim(checkpoint.config.feature_dim, model.config.get_text_config().hidden_size, vlm)
    family = VlEncoder if is_known(model) else GenericEncoder
    encoder = family(checkpoint, checkpoint.model_id(), where, kind, reuse or Reuse(), model)
    quantize_(model, quantize)  # only now: the encoder reorders the weights
    encoder.compile(compiled)
    return encoder


def _check_dim(described: int, hidden: int, folder: Path) -> None:
    if described != hidden:
        raise CheckpointError(
            f"feature_dim is {described}, but the model in {folder} has the hidden size {hidden}"
        )


def _check_tokens(made: Sequence[Tensor], wanted: Sequence[int]) -> None:
    """Raise unless the vision tower gave as many tokens as the grid of each view has."""
    given = [len(tokens) for tokens in made]
    if given != list(wanted):
        raise CheckpointError(
            f"the images do not reach the model: the vision tower gave {given} tokens a view for "
            f"grids of {list(wanted)}"
        )


def _check_places(prompt: Prompt, views: Sequence[_View]) -> None:
    """Raise unless the sequence has a place for each image token."""
    places, given = int(prompt.image_mask.sum()), sum(len(view.tokens) for view in views)
    if places != given:
        raise CheckpointError(
            f"the images do not reach the model: the sequence has {places} places for {given} "
            "image tokens"
        )
