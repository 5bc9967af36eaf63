"""A vision-language model of transformers through its own forward."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from torch import Tensor

from vla_ros.models.prompt import Prompt


class PlainVlm:
    """Runs a loaded base model as transformers has it."""

    takes_still = False

    def __init__(self, model: Any) -> None:
        """Take a base model that takes grids of patches, as the Qwen-VL families do."""
        self._model = model

    def vision(self, patches: Tensor, grid: Tensor) -> Sequence[Tensor]:
        """Return the image tokens of each view, (tokens, D) each.

        Args:
            patches: (N, values of a patch), as the image processor gives them.
            grid: (V, 3) temporal, height and width patches of each view.
        """
        there = grid.to(self._model.device)
        images = self._model.get_image_features(
            patches.to(self._model.dtype), there, return_dict=True
        )
        tokens: Sequence[Tensor] = images.pooler_output
        return tokens

    def joint(self, prompt: Prompt, images: Sequence[Tensor], grid: Tensor) -> Tensor:
        """Return the last hidden states (T, D) of one sequence with all images."""
        return self._hidden(prompt, 1, images, grid)[0]

    def apart(self, prompt: Prompt, images: Tensor, grid: Tensor) -> Tensor:
        """Return the last hidden states (B, T, D) of B sequences with one image (1, 3) each."""
        return self._hidden(prompt, len(images), list(images), grid.expand(len(images), -1))

    def _hidden(self, prompt: Prompt, count: int, images: Sequence[Tensor], grid: Tensor) -> Tensor:
        device = self._model.device
        hidden: Tensor = self._model(
            input_ids=prompt.input_ids.expand(count, -1).to(device),
            mm_token_type_ids=prompt.image_mask.expand(count, -1).to(device),
            image_grid_thw=grid.to(device),
            mm_encoder_outputs={"image": SimpleNamespace(pooler_output=images)},
            use_cache=False,
        ).last_hidden_state
        return hidden
