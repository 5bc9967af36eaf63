"""Qwen2.5-VL, the fast way: nothing is computed again that stayed the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vla_ros.models.language_stack import LanguageStack, Prefix
from vla_ros.models.prompt import Prompt
from vla_ros.models.vision_tower import VisionTower

_CLASS = "Qwen2_5_VLModel"
_KEPT = 16  # prompts


@dataclass(frozen=True, slots=True)
class _Sequence:
    """A prompt on the device, with what depends on it and on the views' sizes alone."""

    tokens: list[int]
    starts: list[int]  # place of the first token of each image
    embeddings: Tensor  # (1, T, D) of the text; what stands at the images' places is replaced
    places: Tensor  # (I,) of the image tokens
    turns: Tensor  # (1, T, 1, head_dim / 2)


@dataclass(frozen=True, slots=True)
class _Run:
    """The sequence that was computed last, and what it left."""

    tokens: list[int]
    starts: list[int]
    images: tuple[Tensor, ...]
    left: Prefix


class FastQwen:
    """Runs a loaded Qwen2.5-VL model; equal to its own forward within rounding."""

    def __init__(self, model: Any) -> None:
        """Take the base model; see `is_known`."""
        self._model = model
        self.vision = VisionTower(model.visual)
        self._language = LanguageStack(model.language_model)
        self._sequences: dict[object, _Sequence] = {}
        self._beginning: tuple[tuple[int, ...], Prefix] | None = None
        self._run: _Run | None = None

    def compile(self, choice: str, device: torch.device) -> None:
        """Compile both stacks, see `Runner.compile`."""
        for runner in (self.vision.runner, self._language.runner):
            runner.compile(choice, device)

    def joint(self, prompt: Prompt, images: Sequence[Tensor], grid: Tensor) -> Tensor:
        """Return the last hidden states (T, D) of one sequence with all images.

        The tokens that it begins with and that are those of the sequence before, images included,
        are not computed again: an image is the same if it is the same tensor.

        Args:
            prompt: the sequence.
            images: what `vision` gave, or kept tensors of earlier ones.
            grid: (V, 3) the sizes of the views.
        """
        sequence = self._sequence(prompt, grid)
        prefix = self._kept(sequence, images)
        start = len(prefix)
        if start < len(sequence.tokens):
            x = _filled(sequence, torch.cat(list(images))[None])
            prefix = self._language(x[:, start:], sequence.turns[:, start:], prefix)[1]
        self._run = _Run(sequence.tokens, sequence.starts, tuple(images), prefix)
        return prefix.hidden[0]

    def apart(self, prompt: Prompt, images: Tensor, grid: Tensor) -> Tensor:
        """Return the last hidden states (B, T, D) of B sequences with one image each.

        Args:
            prompt: the sequence, the same for all.
            images: (B, tokens, D), what `vision` gave for views of equal size.
            grid: (1, 3) their size.
        """
        sequence = self._sequence(prompt, grid)
        prefix = self._text(sequence)
        start = len(prefix)
        x = _filled(sequence, images)
        return self._language(x[:, start:], sequence.turns[:, start:], prefix)[0]

    def _sequence(self, prompt: Prompt, grid: Tensor) -> _Sequence:
        key = tuple(prompt.input_ids[0].tolist()), tuple(grid.flatten().tolist())
        if key not in self._sequences:
            if len(self._sequences) == _KEPT:
                self._sequences.clear()
            self._sequences[key] = self._made(prompt, grid)
        return self._sequences[key]

    def _made(self, prompt: Prompt, grid: Tensor) -> _Sequence:
        device = self._model.device
        position_ids, _ = self._model.get_rope_index(
            prompt.input_ids, mm_token_type_ids=prompt.image_mask, image_grid_thw=grid
        )
        places = prompt.image_mask[0].nonzero()[:, 0]
        counts = grid.prod(-1) // self._model.config.vision_config.spatial_merge_size**2
        return _Sequence(
            tokens=prompt.input_ids[0].tolist(),
            starts=places[counts.cumsum(0) - counts].tolist(),
            embeddings=self._language.embed(prompt.input_ids.to(device)),
            places=places.to(device),
            turns=self._language.turns(position_ids.to(device)),
        )

    def _kept(self, sequence: _Sequence, images: Sequence[Tensor]) -> Prefix:
        """Return what the beginning left that this sequence shares with the one before."""
        run = self._run
        if run is None:
            return self._text(sequence)
        same = len(run.tokens)
        for new, old, start in zip(images, run.images, run.starts, strict=False):
            if new is not old:
                same = start
                break
        pairs = zip(sequence.tokens, run.tokens[:same], strict=False)
        shared = next((i for i, (new, old) in enumerate(pairs) if new != old), same)
        shared = min(shared, len(sequence.tokens))
        return run.left.first(shared) if shared else self._text(sequence)

    def _text(self, sequence: _Sequence) -> Prefix:
        """Return what the text before the first image leaves; it is the same for all images."""
        start = sequence.starts[0]
        text = tuple(sequence.tokens[:start])
        if self._beginning is None or self._beginning[0] != text:
            x, turn = sequence.embeddings[:, :start], sequence.turns[:, :start]
            self._beginning = text, self._language(x, turn)[1]
        return self._beginning[1]


def _filled(sequence: _Sequence, images: Tensor) -> Tensor:
    """Return the embeddings (B, T, D) of the sequence with images (B, I, D) in their places."""
    x = sequence.embeddings.repeat(len(images), 1, 1)
    x[:, sequence.places] = images.to(x.dtype)
    return x


def is_known(model: Any) -> bool:
    """Return whether `FastQwen` computes what this model's own forward would."""
    if type(model).__name__ != _CLASS:
        return False
    text = model.config.get_text_config()
    return set(getattr(text, "layer_types", ["full_attention"])) == {"full_attention"}
