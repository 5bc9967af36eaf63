"""Which views are worth computing again, and which keep what was computed for them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import ParameterError

_STRIDE = 4  # of the pixels that are looked at
_BLOCK = 4  # of those, along a block's side
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Reuse:
    """When a view keeps what was computed for it; by default never.

    `threshold`: a view whose image differs by less from the one computed last, in grey levels
    (see `difference`), is kept; 0 keeps none. `always` staggers: the named views are computed
    with every encode, of the others one, in turn. No view is kept for longer than `max_age_s`.
    """

    threshold: float = 0.0  # 0..255
    max_age_s: float = 1.0
    always: tuple[str, ...] | None = None
    static_first: bool = False  # joint layout: views that change stand last, behind a kept prefix

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0.0 <= self.threshold <= 255.0:
            raise ParameterError(f"threshold is {self.threshold}; 0 (off) to 255 is allowed")
        if not 0.0 < self.max_age_s < float("inf"):
            raise ParameterError(f"max_age_s is {self.max_age_s}; more than 0 is allowed")

    @property
    def active(self) -> bool:
        """Return whether any view may be kept."""
        return self.threshold > 0.0 or self.always is not None


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return means of blocks of 16 x 16 pixels of an image (H, W, 3), from every 4th pixel.

    A border that fills no block is cut off; an image smaller than a block is its own thumbnail.
    """
    seen = image[::_STRIDE, ::_STRIDE].astype(np.float32)
    rows, columns = seen.shape[0] // _BLOCK, seen.shape[1] // _BLOCK
    if not rows or not columns:
        return seen
    blocks = seen[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK, 3)
    means: NDArray[np.float32] = blocks.mean((1, 3))
    return means


def difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return how much the most different block of two thumbnails differs, in grey levels.

    The means take most of a camera's noise away, and the maximum sees a small thing that moves.
    """
    return float(np.abs(one - other).max()) if one.shape == other.shape else 255.0


class ViewGate:
    """Chooses the views to compute, from images and what was computed last."""

    def __init__(self, reuse: Reuse, views: Sequence[str]) -> None:
        """Take the names of all views.

        Raises:
            ParameterError: `always` names a view that there is not.
        """
        if unknown := [view for view in reuse.always or () if view not in views]:
            raise ParameterError(
                f"always names {', '.join(unknown)}; the views are {', '.join(views)}"
            )
        self._reuse = reuse
        self._names = tuple(views)
        self._computed: dict[int, tuple[NDArray[np.float32], int]] = {}
        self._seen: dict[int, NDArray[np.float32]] = {}
        self._turn = 0

    def choose(
        self, images: Mapping[int, NDArray[np.uint8]], stamps_ns: Mapping[int, int]
    ) -> tuple[int, ...]:
        """Return the numbers of the views to compute now; `computed` is to follow.

        Args:
            images: by the view's number, (H, W, 3).
            stamps_ns: likewise, when each was captured [ns].
        """
        if not self._reuse.active:
            return tuple(images)
        self._seen = {view: thumbnail(image) for view, image in images.items()}
        due = self._due(tuple(images))
        return tuple(view for view in images if self._wanted(view, stamps_ns[view], view in due))

    def computed(self, views: Iterable[int], stamps_ns: Mapping[int, int]) -> None:
        """Take these of the views that were chosen from as computed."""
        if self._reuse.active:
            self._computed |= {view: (self._seen[view], stamps_ns[view]) for view in views}

    def _wanted(self, view: int, stamp_ns: int, due: bool) -> bool:
        if view not in self._computed:
            return True
        new = self._seen[view]
        old, computed_ns = self._computed[view]
        age_ns = stamp_ns - computed_ns
        if not 0 <= age_ns < self._reuse.max_age_s * _NS or old.shape != new.shape:
            return True
        return due and difference(new, old) >= self._reuse.threshold

    def _due(self, views: tuple[int, ...]) -> set[int]:
        """Return the views whose turn it is."""
        if self._reuse.always is None:
            return set(views)
        every = {view for view in views if self._names[view] in self._reuse.always}
        others = [view for view in views if view not in every]
        if others:
            every.add(others[self._turn % len(others)])
            self._turn += 1
        return every
