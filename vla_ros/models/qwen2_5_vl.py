"""Qwen2.5-VL, the fast way: what follows from shapes and texts alone is computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vla_ros.models.language_stack import LanguageStack, Prefix
from vla_ros.models.prompt import Prompt
from vla_ros.models.vision_tower import VisionTower

_CLASS = "Qwen2_5_VLModel"


@dataclass(frozen=True, slots=True)
class _Sequence:
    """A prompt on the device, with what depends on it and on the views' sizes alone."""

    embeddings: Tensor  # (1, T, D) of the text; what stands at the images' places is replaced
    images: Tensor  # (I,) places of the image tokens
    turns: Tensor  # (1, T, 1, head_dim / 2)


class FastQwen:
    """Runs a loaded Qwen2.5-VL model; equal to its own forward within rounding."""

    def __init__(self, model: Any) -> None:
        """Take the base model; see `is_known`."""
        self._model = model
        self.vision = VisionTower(model.visual)
        self._language = LanguageStack(model.language_model)
        self._last: tuple[Prompt, list[list[int]], _Sequence] | None = None
        self._beginning: tuple[tuple[int, ...], Prefix] | None = None

    def language(self, prompt: Prompt, images: Sequence[Tensor], grid: Tensor) -> Tensor:
        """Return the last hidden states (1, T, D).

        Args:
            prompt: the sequence.
            images: what `vision` gave.
            grid: (V, 3) the sizes of the views.
        """
        sequence = self._sequence(prompt, grid)
        x = sequence.embeddings.clone()
        x[0, sequence.images] = torch.cat(list(images)).to(x.dtype)
        prefix = self._prefix(prompt, sequence)
        start = len(prefix)
        return self._language(x[:, start:], sequence.turns[:, start:], prefix)[0]

    def _sequence(self, prompt: Prompt, grid: Tensor) -> _Sequence:
        sizes = grid.tolist()
        if self._last is None or self._last[0] is not prompt or self._last[1] != sizes:
            self._last = prompt, sizes, self._made(prompt, grid)
        return self._last[2]

    def _made(self, prompt: Prompt, grid: Tensor) -> _Sequence:
        device = self._model.device
        position_ids, _ = self._model.get_rope_index(
            prompt.input_ids, mm_token_type_ids=prompt.image_mask, image_grid_thw=grid
        )
        return _Sequence(
            embeddings=self._language.embed(prompt.input_ids.to(device)),
            images=prompt.image_mask[0].nonzero()[:, 0].to(device),
            turns=self._language.turns(position_ids.to(device)),
        )

    def _prefix(self, prompt: Prompt, sequence: _Sequence) -> Prefix:
        """Return what the text before the first image leaves; it is the same for all images."""
        start = int(prompt.image_mask[0].argmax())
        text = tuple(prompt.input_ids[0, :start].tolist())
        if self._beginning is None or self._beginning[0] != text:
            x, turn = sequence.embeddings[:, :start], sequence.turns[:, :start]
            self._beginning = text, self._language(x, turn)[1]
        return self._beginning[1]


def is_known(model: Any) -> bool:
    """Return whether `FastQwen` computes what this model's own forward would."""
    if type(model).__name__ != _CLASS:
        return False
    text = model.config.get_text_config()
    return set(getattr(text, "layer_types", ["full_attention"])) == {"full_attention"}
