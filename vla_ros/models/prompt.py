"""The token sequence of a prompt: the checkpoint's chat template with its images filled in."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vla_ros.core.errors import CheckpointError, MessageError

_KEPT = 16


class Prompt(NamedTuple):
    """One sequence for the language model."""

    input_ids: Tensor  # (1, T)
    image_mask: Tensor  # (1, T): 1 where an image token stands, else 0


class PromptBuilder:
    """Makes the sequence for an instruction and images of given sizes, and keeps the last ones."""

    def __init__(self, tokenizer: Any, folder: Path, image_token_id: int, prompt: str) -> None:
        """Take the tokenizer of the model in `folder`, and the text that follows the images."""
        self._tokenizer = tokenizer
        self._template = _template(tokenizer, folder)
        self._image_token_id = image_token_id
        self._image_token: str = tokenizer.convert_ids_to_tokens(image_token_id)
        self._prompt = prompt
        self._made: dict[tuple[str, tuple[int, ...]], Prompt] = {}

    def build(self, instruction: str, view_tokens: Sequence[int]) -> Prompt:
        """Return the sequence with `view_tokens` image tokens for each view, text after them.

        Raises:
            CheckpointError: the template does not give each image its place.
            MessageError: the instruction holds the model's image marker.
        """
        key = (instruction, tuple(view_tokens))
        if key not in self._made:
            if len(self._made) == _KEPT:
                self._made.clear()
            self._made[key] = self._built(instruction, view_tokens)
        return self._made[key]

    def _built(self, instruction: str, view_tokens: Sequence[int]) -> Prompt:
        if self._image_token in instruction:
            raise MessageError(f"the instruction holds the image marker {self._image_token}")
        text = self._prompt.replace("{instruction}", instruction)
        content = [{"type": "image"}] * len(view_tokens) + [{"type": "text", "text": text}]
        rendered: str = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": content}],
            chat_template=self._template,
            tokenize=False,
            add_generation_prompt=True,
        )
        first, *others = rendered.split(self._image_token)
        if len(others) != len(view_tokens):
            raise CheckpointError(
                f"the chat template has room for {len(others)} images where {len(view_tokens)} "
                f"views are given, so they would not reach the model (marker: {self._image_token})"
            )
        filled = [self._image_token * n + part for n, part in zip(view_tokens, others, strict=True)]
        ids = self._tokenizer("".join([first, *filled]), add_special_tokens=False)["input_ids"]
        input_ids = torch.tensor([ids])
        return Prompt(input_ids, (input_ids == self._image_token_id).int())


def _template(tokenizer: Any, folder: Path) -> str:
    """Return the chat template: the processor's if the folder has one of its own."""
    older = folder / "chat_template.json"  # where processors kept it before chat_template.jinja
    template = json.loads(older.read_text("utf-8"))["chat_template"] if older.is_file() else None
    template = template or tokenizer.chat_template
    if not template:
        raise CheckpointError(f"{folder} has no chat template")
    return str(template)
