"""Proof that the images reached the encoder: without it no time of an encode is worth anything."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import VlaError
from vla_ros.models.features import EncodedFeatures

Image = NDArray[np.uint8]
# Of frame sets: features for each, and what the encoder says of all.
Encode = Callable[[Sequence[Image]], tuple[NDArray[np.float32], EncodedFeatures]]
# What features must change by at least, relative to their size, and to what they change by alone.
_LEAST_CHANGE = 1e-6
_OVER_NOISE = 4.0


class ImagesLostError(VlaError):
    """The images did not reach the encoder, so its time is not reported."""


def check_tokens(images: Sequence[Image], encoded: EncodedFeatures, merge: int | None) -> None:
    """Raise unless every image has tokens, and as many as its size makes.

    Args:
        images: what was encoded, (H, W, 3) each.
        encoded: what the encoder says.
        merge: patches along the side of a token, where the model merges a square of them into one.

    Raises:
        ImagesLostError: which view is wrong, and how.
    """
    tokens, grids = encoded.view_tokens.tolist(), encoded.image_grid_thw.tolist()
    if len(tokens) != len(images) or len(grids) != len(images):
        _lost(f"{len(images)} images went in, and {len(tokens)} views with tokens came out")
    for number, (image, count, grid) in enumerate(zip(images, tokens, grids, strict=True), 1):
        patches = int(np.prod(grid))
        if not count or not patches:
            _lost(f"view {number} has {count} tokens for a grid of {grid}")
        if patches % count or (merge is not None and patches != count * merge**2):
            _lost(f"view {number} has {count} tokens, which a grid of {grid} does not make")
        if merge is not None and not _same_form(image, grid, merge):
            height, width = image.shape[:2]
            _lost(f"view {number} is {width}x{height}, which a grid of {grid} does not cover")
    if encoded.total_tokens <= sum(tokens):
        _lost(f"{encoded.total_tokens} tokens in all hold no text beside {sum(tokens)} of images")


def check_seen(encode: Encode, images: Sequence[Image], features: NDArray[np.float32]) -> None:
    """Raise unless the features change when an image changes, each view for itself.

    It encodes once for each view and once more; of more than one set all images change at once,
    and each set's features must.

    Args:
        encode: what to put to the proof.
        images: of all sets, one after the other.
        features: what they gave, (sets, ...).

    Raises:
        ImagesLostError: which view makes no difference.
    """
    again, _ = encode(images)
    least = np.maximum(_LEAST_CHANGE, _OVER_NOISE * _changes(features, again))
    every, alone = range(len(images)), len(features) == 1
    for changed in [[number] for number in every] if alone else [list(every)]:
        others = [255 - image if n in changed else image for n, image in enumerate(images)]
        if (_changes(features, encode(others)[0]) <= least).any():
            what = f"view {changed[0] + 1} changes" if alone else "the images of a set change"
            _lost(f"the features stay the same when {what}")


def _changes(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how much the features of each set differ, relative to their size, (sets,)."""
    flat = [
        np.reshape(features, (len(features), -1)).astype(np.float64) for features in (one, other)
    ]
    size = np.linalg.norm(flat[0], axis=1) + 1e-12
    changes: NDArray[np.float64] = np.linalg.norm(flat[1] - flat[0], axis=1) / size
    return changes


def _same_form(image: Image, grid: Sequence[int], merge: int) -> bool:
    """Return whether a grid has an image's form, within one token of each side."""
    rows, columns = grid[1] / merge, grid[2] / merge
    form = image.shape[1] / image.shape[0]
    return (columns - 1) / (rows + 1) <= form <= (columns + 1) / max(rows - 1, 1e-9)


def _lost(what: str) -> None:
    raise ImagesLostError(
        f"the images do not reach the encoder: {what}. No VL time is reported; tokens and grid of "
        "every view must agree with its image, and features must follow the images"
    )
