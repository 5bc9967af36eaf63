"""The encoder for any vision-language model of transformers, through its own processor."""

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vla_ros.core.errors import CheckpointError, MessageError, ParameterError
from vla_ros.core.latency import StageTimer
from vla_ros.models.checkpoint import Checkpoint
from vla_ros.models.costs import EncodeCost, encode_cost
from vla_ros.models.features import EncodedFeatures
from vla_ros.models.hardware import finisher
from vla_ros.models.pooling import POOLINGS, Hidden
from vla_ros.models.preprocess import check_views
from vla_ros.models.view_gate import Reuse
from vla_ros.models.vlm_folder import whole_processor

_KEPT = 64


class GenericEncoder:
    """A base model, its processor and its own forward; the interface is `VlEncoder`'s."""

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
        if reuse.active:
            raise ParameterError(
                f"{type(model).__name__} computes all views each time; threshold 0 and no "
                "staggered views are allowed"
            )
        self.config = checkpoint.config
        self.model_id = model_id
        self.device = device
        self.dtype = dtype
        self._model = model
        self._folder = checkpoint.vlm_folder()
        self._processor = whole_processor(self._folder, model.config.model_type)
        self._image_token_id = int(model.config.image_token_id)
        tokenizer = self._processor.tokenizer
        self._marker: str = tokenizer.convert_ids_to_tokens(self._image_token_id)
        self._alone: dict[tuple[int, ...], int] = {}

    @torch.inference_mode()
    def encode(
        self,
        views: Sequence[NDArray[np.uint8]],
        instruction: str,
        *,
        stamps_ns: Sequence[int] | None = None,
        numbers: Sequence[int] | None = None,
    ) -> EncodedFeatures:
        """Encode images and a text, see `VlEncoder.encode`."""
        check_views(views, len(self.config.views))
        if self._marker in instruction:
            raise MessageError(f"the instruction holds the image marker {self._marker}")
        timer = StageTimer(finisher(self.device))
        groups = [list(views)] if self.config.layout == "joint" else [[view] for view in views]
        with timer("preprocess"):
            inputs = [self._inputs(group, instruction) for group in groups]
            tokens = [self._tokens_of(view) for view in views]
        with timer("language"):  # the vision tower is part of the model's own forward
            sequences = [
                self._model(**given, use_cache=False).last_hidden_state[0] for given in inputs
            ]
            places = [self._places(given) for given in inputs]
            self._check(places, tokens)
            data = POOLINGS[self.config.pooling](*self._hidden(sequences, places, tokens))
        return EncodedFeatures(
            data=data.cpu().numpy(),
            view_tokens=np.array(tokens, np.uint32),
            image_grid_thw=np.concatenate([self._grid(given) for given in inputs]),
            total_tokens=sum(map(len, sequences)),
            view_stamps_ns=tuple(stamps_ns or [time.monotonic_ns()] * len(views)),
            computed=tuple(numbers or range(len(views))),
            stages=tuple(timer.stages),
        )

    def cost(self, encoded: EncodedFeatures) -> EncodeCost:
        """Return an estimate of what an encode like this one costs."""
        count = 1 if self.config.layout == "joint" else len(encoded.view_tokens)
        lengths = [encoded.total_tokens // count] * count
        return encode_cost(self._folder, encoded.image_grid_thw.tolist(), lengths)

    def warm_up(self, height: int = 360, width: int = 640) -> EncodedFeatures:
        """Encode black views of this size once, so that the first real ones are not slower."""
        black = np.zeros((height, width, 3), np.uint8)
        return self.encode([black] * len(self.config.views), "warm up")

    def compile(self, choice: str) -> None:
        """Say that this family's own forward is not compiled, if that was asked for."""
        if choice == "on":
            kind = type(self._model).__name__
            warnings.warn(f"{kind} is not compiled; it runs its own forward", stacklevel=3)

    def _inputs(self, views: list[NDArray[np.uint8]], instruction: str) -> dict[str, Tensor]:
        """Return what the model takes for one sequence."""
        text = self._text(len(views), self.config.prompt.replace("{instruction}", instruction))
        made = self._processor(text=[text], images=[views], return_tensors="pt")
        made.pop("labels", None)  # of training
        moved = {name: value.to(self.device) for name, value in made.items()}
        return {n: v.to(self.dtype) if v.is_floating_point() else v for n, v in moved.items()}

    def _text(self, images: int, text: str) -> str:
        """Return the prompt: by the chat template, or the images' markers and the text."""
        tokenizer = self._processor.tokenizer
        template = getattr(self._processor, "chat_template", None) or tokenizer.chat_template
        if not template:
            return self._marker * images + text
        content = [{"type": "image"}] * images + [{"type": "text", "text": text}]
        chat: str = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}],
            chat_template=template,
            tokenize=False,
            add_generation_prompt=True,
        )
        return chat

    def _tokens_of(self, view: NDArray[np.uint8]) -> int:
        """Return the number of image tokens of a view; it follows from the size."""
        if view.shape not in self._alone:
            if len(self._alone) == _KEPT:
                self._alone.clear()
            self._alone[view.shape] = len(self._places(self._inputs([view], "")))
        return self._alone[view.shape]

    def _places(self, inputs: dict[str, Tensor]) -> Tensor:
        return (inputs["input_ids"][0] == self._image_token_id).nonzero()[:, 0]

    def _check(self, places: Sequence[Tensor], tokens: Sequence[int]) -> None:
        given = sum(map(len, places))
        if given != sum(tokens) or not all(tokens):
            raise CheckpointError(
                f"the images do not reach the model: the sequences have {given} places for "
                f"{list(tokens)} image tokens"
            )

    def _hidden(self, sequences: list[Tensor], places: list[Tensor], tokens: list[int]) -> Hidden:
        if self.config.layout == "per_view":
            return Hidden(sequences, sequences)
        return Hidden(sequences, sequences[0][places[0]].split(tokens))

    def _grid(self, inputs: dict[str, Tensor]) -> NDArray[np.uint32]:
        """Return the patches of each view: the processor's grid, or crops, rows and columns."""
        if "image_grid_thw" in inputs:
            return inputs["image_grid_thw"].cpu().numpy().astype(np.uint32)
        *count, _, height, width = inputs["pixel_values"].shape
        patch = self._model.config.vision_config.patch_size
        views = 1 if self.config.layout == "per_view" else max(1, count[-1])
        crops = int(np.prod(count)) // views
        return np.array([[crops, height // patch, width // patch]] * views, np.uint32)
