"""The policy of a lockstep replay; what was encoded once is not computed again."""

from collections.abc import Callable, Sequence
from typing import Any

from vla_ros.core.framesets import FrameSet
from vla_ros.data.bag_reader import Record
from vla_ros.data.images import to_rgb
from vla_ros.models.features import EncodedFeatures, Encoder


class RememberedEncoder:
    """Encodes image messages; the same images with the same text are computed once.

    What an encode gives does not depend on the ones before it, so the bits are the same too.
    """

    def __init__(
        self, encoder: Encoder, views: Sequence[str], decode: Callable[[Record], Any]
    ) -> None:
        """Take the encoder, the views in the order of the model, and what reads a message."""
        self._encoder, self._views, self._decode = encoder, list(views), decode
        self._known: dict[tuple[Any, ...], EncodedFeatures] = {}
        self.computed = 0
        self.reused = 0

    def __call__(self, frames: FrameSet[Record], instruction: str) -> EncodedFeatures:
        """Return the features of a set.

        Raises:
            MessageError: an image is none.
        """
        key = (frames.views, frames.stamps_ns, instruction)
        if key in self._known:
            self.reused += 1
            return self._known[key]
        images = [to_rgb(self._decode(frame.image)) for frame in frames.frames]
        self._known[key] = encoded = self._encoder.encode(
            images,
            instruction,
            stamps_ns=frames.stamps_ns,
            numbers=[self._views.index(view) for view in frames.views],
        )
        self.computed += 1
        return encoded
