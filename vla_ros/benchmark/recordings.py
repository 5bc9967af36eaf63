"""What is measured on: frame sets of a recording, and the windows of samples at their time."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from vla_ros.benchmark.configuration import pixels
from vla_ros.core.errors import ParameterError
from vla_ros.data.episodes import Samples
from vla_ros.models.config import WindowConfig

_POSE = 6  # the last channels of a robot state
FEWEST_SETS = 2  # so that no encode sees the images of the one before


class Frame(Protocol):
    """An image that is read when it is asked for."""

    @property
    def stamp_ns(self) -> int:
        """When it was captured."""

    def image(self) -> NDArray[np.uint8]:
        """Return it as rgb, (H, W, 3)."""


class Recording(Protocol):
    """What an `Episode` is, or what stands for one."""

    @property
    def instruction(self) -> str:
        """What the robot was to do."""

    @property
    def views(self) -> Mapping[str, Sequence[Frame]]:
        """The frames of each camera."""

    @property
    def sensor(self) -> Samples | None:
        """The sensor's samples."""

    @property
    def states(self) -> Samples | None:
        """The robot's states."""


@dataclass(frozen=True, slots=True)
class FrameSet:
    """Images that belong together, ready for the encoder."""

    stamp_ns: int
    images: tuple[NDArray[np.uint8], ...]  # (H, W, 3) of each view
    hashes: tuple[str, ...]  # sha256 of each image's pixels


class FrameSets:
    """The frame sets of a recording, by number: one for each frame of its first camera."""

    def __init__(self, recording: Recording, wanted: Sequence[str], resolution: str) -> None:
        """Choose cameras and a size.

        Args:
            recording: where they come from.
            wanted: the views' names in the model's order; where the recording has other names, its
                own first ones stand for them.
            resolution: see `configuration.pixels`.

        Raises:
            ParameterError: the recording has too few cameras or frames.
        """
        has = list(recording.views)
        if len(has) < len(wanted):
            raise ParameterError(
                f"{len(wanted)} views are wanted, but the recording has {len(has)} "
                f"({', '.join(has)}); num-views 1 to {len(has)} is allowed"
            )
        names = wanted if set(wanted) <= set(has) else has[: len(wanted)]
        self._frames = [recording.views[name] for name in names]
        self._stamps = [np.array([f.stamp_ns for f in frames]) for frames in self._frames]
        self._size = pixels(resolution)
        if len(self) < FEWEST_SETS:
            raise ParameterError(
                f"{names[0]} has {len(self)} frames; {FEWEST_SETS} or more are needed, so that "
                "every encode sees new images"
            )

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._stamps[0])

    def __getitem__(self, number: int) -> FrameSet:
        """Return a set, read and resized now; of each camera the image nearest in time."""
        stamp_ns = int(self._stamps[0][number])
        images = tuple(
            self._resized(frames[int(np.abs(stamps - stamp_ns).argmin())].image())
            for frames, stamps in zip(self._frames, self._stamps, strict=True)
        )
        hashes = tuple(hashlib.sha256(image.tobytes()).hexdigest() for image in images)
        return FrameSet(stamp_ns, images, hashes)

    def _resized(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._size is None or image.shape[1::-1] == self._size:
            return image
        return np.asarray(cv2.resize(image, self._size, interpolation=cv2.INTER_AREA), np.uint8)


def window(
    samples: Samples | None, config: WindowConfig, stamp_ns: int, name: str
) -> NDArray[np.float32]:
    """Return the newest samples at a time, (window, channels), oldest first.

    Where the recording begins later than the window, its first sample stands for those before. Of
    robot states with more joints than the checkpoint takes (a gripper's, say), the first count.

    Raises:
        ParameterError: the recording has no such samples, or of another width.
    """
    if samples is None:
        flag = {"sensor": "--disable-sensor", "robot_states": "--disable-robot-states"}[name]
        raise ParameterError(f"the recording has no {name}; {flag} measures without")
    channels, surplus = samples.values.shape[1], samples.values.shape[1] - config.channels
    if surplus < 0 or (surplus > 0 and name != "robot_states"):
        raise ParameterError(
            f"{name} of the recording has {channels} channels; the checkpoint takes "
            f"{config.channels}"
        )
    end = int(np.searchsorted(samples.stamps_ns, stamp_ns, "right"))
    places = np.arange(end - config.window, end).clip(0)
    joints = max(config.channels - _POSE, 0)
    return np.delete(samples.values[places], slice(joints, joints + surplus), axis=1)
