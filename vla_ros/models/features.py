"""What an encoder is, and what it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from vla_ros.core.latency import Stage
from vla_ros.models.config import PolicyConfig
from vla_ros.models.costs import EncodeCost


@dataclass(frozen=True, slots=True)
class EncodedFeatures:
    """What the model made of one set of images, and the proof that they reached it."""

    data: NDArray[np.float32]  # of the last hidden state: (D,), (V, D) or (T, D), see `pooling`
    view_tokens: NDArray[np.uint32]  # (V,) image tokens of each view
    image_grid_thw: NDArray[np.uint32]  # (V, 3) temporal, height and width patches of each view
    total_tokens: int  # length of all sequences, text included
    view_stamps_ns: tuple[int, ...]  # capture time of the image that each view's part shows [ns]
    computed: tuple[int, ...]  # numbers of the views that were not kept from before
    stages: tuple[Stage, ...]  # preprocess, vision, language


class Encoder(Protocol):
    """What `load_encoder` returns for any family."""

    config: PolicyConfig
    model_id: str
    device: torch.device
    dtype: torch.dtype

    def encode(
        self,
        views: Sequence[NDArray[np.uint8]],
        instruction: str,
        *,
        stamps_ns: Sequence[int] | None = None,
        numbers: Sequence[int] | None = None,
    ) -> EncodedFeatures:
        """Encode images and a text, see `VlEncoder.encode`."""

    def cost(self, encoded: EncodedFeatures) -> EncodeCost:
        """Return what an encode like this one costs when no view is kept."""

    def warm_up(self, height: int = 360, width: int = 640) -> EncodedFeatures:
        """Encode black views of this size once, so that the first real ones are not slower."""
