"""Camera images to what the vision tower takes.

`PatchMaker` is the fast way, without PIL: it resizes and cuts all views at once. It does what the
image processor of the Qwen2-VL family is documented to do; `ProcessorCall` asks the checkpoint's
own processor, and is taken when that one is set up in a way that `PatchMaker` does not know.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from vla_ros.core.errors import CheckpointError, MessageError

# Images to patches (N, values of a patch) and their grid (V, 3): temporal, height, width patches.
Preprocess = Callable[[Sequence[NDArray[np.uint8]]], tuple[Tensor, Tensor]]

_BICUBIC = 3  # PIL's number


def preprocess_for(processor: Any, device: torch.device, *, still: bool = False) -> Preprocess:
    """Return the fastest way to preprocess that gives what `processor` would.

    `still` leaves out that an image is repeated along time, where the way allows it.
    """
    known = type(processor).__name__.startswith("Qwen2VLImageProcessor")
    plain = known and processor.do_resize and processor.do_rescale and processor.do_normalize
    if plain and processor.resample == _BICUBIC:
        return PatchMaker(processor, device, still=still)
    return ProcessorCall(processor, device)


def check_views(views: Sequence[NDArray[np.uint8]], most: int) -> None:
    """Raise MessageError unless these are one to `most` rgb images (H, W, 3) of uint8."""
    if not 1 <= len(views) <= most:
        raise MessageError(f"{len(views)} views were given; the checkpoint takes 1 to {most}")
    for number, view in enumerate(views, 1):
        if view.dtype != np.uint8 or view.ndim != 3 or view.shape[2] != 3 or 0 in view.shape:
            raise MessageError(
                f"view {number} is {view.dtype} of the shape {view.shape}; uint8 of the shape "
                "(H, W, 3) is wanted"
            )


def resize(pixels: Tensor, size: tuple[int, int], vertical: bool) -> Tensor:
    """Return images (V, 3, H, W) of grey levels as (V, 3, *size), as PIL's bicubic filter does.

    PIL rounds and clamps between its two passes, so their order shows at sharp edges: `vertical`
    tells whether the vertical one is first. Floats hold whole numbers, before and after.
    """
    first = (size[0], pixels.shape[3]) if vertical else (pixels.shape[2], size[1])
    return _filtered(_filtered(pixels, first), size)


@functools.cache
def vertical_first(size: tuple[int, int], new_size: tuple[int, int]) -> bool:
    """Return whether the PIL that is installed resizes these sizes vertically first.

    The rule differs between its versions; an image of noise that is resized once tells.
    """
    noise = np.random.default_rng(0).integers(0, 2, (*size, 3), np.uint8) * 255
    wanted = np.asarray(Image.fromarray(noise).resize(new_size[::-1], Image.Resampling.BICUBIC))
    pixels = torch.from_numpy(noise).permute(2, 0, 1)[None]
    errors = [
        np.abs(resize(pixels, new_size, vertical)[0].permute(1, 2, 0).numpy() - wanted.astype(int))
        for vertical in (False, True)
    ]
    return bool(errors[1].sum() < errors[0].sum())


def _filtered(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    smooth = functional.interpolate(pixels, size, mode="bicubic", antialias=True)
    return smooth if pixels.dtype == torch.uint8 else smooth.round_().clamp_(0, 255)


class ProcessorCall:
    """Asks the checkpoint's own image processor."""

    def __init__(self, processor: Any, device: torch.device) -> None:
        """Take a transformers image processor."""
        self._processor = processor
        self._device = device

    def __call__(self, views: Sequence[NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
        """Return the patches and the grid of rgb images."""
        made = self._processor(images=list(views), return_tensors="pt")
        if "image_grid_thw" not in made:
            raise CheckpointError(
                f"{type(self._processor).__name__} gives {', '.join(made)}; a model whose "
                "processor gives pixel_values and image_grid_thw is wanted (Qwen2.5-VL)"
            )
        return made["pixel_values"].to(self._device), made["image_grid_thw"]


class PatchMaker:
    """Resizes, normalises and cuts images into patches on the device, sizes alike all at once."""

    def __init__(self, processor: Any, device: torch.device, *, still: bool = False) -> None:
        """Take the settings from a Qwen2-VL image processor; see `preprocess_for`."""
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

        self._resized = smart_resize
        self._device = device
        self._patch = int(processor.patch_size)
        self._merge = int(processor.merge_size)
        self._temporal = 1 if still else int(processor.temporal_patch_size)
        self._pixels = (processor.size["shortest_edge"], processor.size["longest_edge"])
        mean = torch.tensor(processor.image_mean, device=device)
        std = torch.tensor(processor.image_std, device=device)
        self._scale = (processor.rescale_factor / std).view(1, 3, 1, 1)
        self._shift = (-mean / std).view(1, 3, 1, 1)

    def __call__(self, views: Sequence[NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
        """Return the patches and the grid of rgb images."""
        if len({view.shape for view in views}) == 1:
            return self._batch(np.stack(views))
        made = [self._batch(view[None]) for view in views]
        return torch.cat([patches for patches, _ in made]), torch.cat([grid for _, grid in made])

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width that an image is resized to."""
        size = self._resized(height, width, self._patch * self._merge, *self._pixels)
        return int(size[0]), int(size[1])

    def _batch(self, images: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        count, height, width, _ = images.shape
        size = self.size(height, width)
        pixels = torch.from_numpy(images).to(self._device).permute(0, 3, 1, 2)
        if self._device.type != "cpu":
            pixels = pixels.float()  # only the CPU has a filter for uint8
        pixels = resize(pixels, size, vertical_first((height, width), size))
        patches = self._cut(pixels * self._scale + self._shift)
        grid = torch.tensor([[1, size[0] // self._patch, size[1] // self._patch]])
        return patches, grid.expand(count, -1)

    def _cut(self, pixels: Tensor) -> Tensor:
        """Cut (V, 3, height, width) into patches, those that are merged later side by side."""
        count, channels, height, width = pixels.shape
        patch, merge = self._patch, self._merge
        rows, columns = height // (patch * merge), width // (patch * merge)
        grid = pixels.view(count, channels, rows, merge, patch, columns, merge, patch)
        grid = grid.permute(0, 2, 5, 3, 6, 1, 4, 7).unsqueeze(6)
        still = grid.expand(*grid.shape[:6], self._temporal, patch, patch)  # a film of one image
        return still.reshape(count * rows * columns * merge**2, -1)
