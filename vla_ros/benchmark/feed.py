"""New inputs for every cycle: frame sets in turn, and the windows of the ticks that follow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vla_ros.benchmark.configuration import Configuration
from vla_ros.benchmark.proof import ImagesLostError
from vla_ros.benchmark.recordings import FrameSet, FrameSets, Recording, window
from vla_ros.core.time import NS
from vla_ros.models.config import INPUTS, PolicyConfig

_NO_INSTRUCTION = "insert the needle into the blue point"
Hashes = tuple[str, ...]
Windows = tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a cycle."""

    images: tuple[NDArray[np.uint8], ...]  # of all sets, one after the other
    hashes: Hashes  # sha256 of each image
    windows: tuple[Windows, ...]  # sensor and robot states, of each tick and set
    instruction: str


class Feed:
    """Hands out a recording's frame sets so that no encode sees the images of the one before."""

    def __init__(self, recording: Recording) -> None:
        """Take what to hand out."""
        self._recording = recording
        self._sets: dict[tuple[tuple[str, ...], str], FrameSets] = {}
        self._number = -1
        self._last: Hashes = ()
        self._shown: dict[Configuration, Hashes] = {}

    def next(self, c: Configuration, config: PolicyConfig) -> Inputs:
        """Return inputs whose images are not those before.

        Where the recording allows it, they are not those that the configuration had before either.

        Raises:
            ImagesLostError: the recording shows the same images all the time.
            ParameterError: the recording lacks what the configuration needs.
        """
        names = config.views[: c.views]
        if (names, c.resolution) not in self._sets:
            self._sets[names, c.resolution] = FrameSets(self._recording, names, c.resolution)
        chosen = self._chosen(c, self._sets[names, c.resolution])
        self._shown[c] = self._last = _hashes(chosen)
        return Inputs(
            images=tuple(image for one in chosen for image in one.images),
            hashes=self._last,
            windows=tuple(self._windows(c, config, chosen)),
            instruction=self._recording.instruction or _NO_INSTRUCTION,
        )

    def _chosen(self, c: Configuration, sets: FrameSets) -> list[FrameSet]:
        """Return the next sets of a batch; those of a camera that sees nothing move are skipped."""
        first = self._number + 1
        for avoided in ({self._last, self._shown.get(c)}, {self._last}):
            for number in range(first, first + len(sets)):
                chosen = [sets[(number + more) % len(sets)] for more in range(c.batch)]
                if _hashes(chosen) not in avoided:
                    self._number = number % len(sets)
                    return chosen
        raise ImagesLostError(
            f"all {len(sets)} frame sets of the recording show the same images, and every encode "
            "needs new ones; a recording in which something moves is needed"
        )

    def _windows(
        self, c: Configuration, config: PolicyConfig, sets: Sequence[FrameSet]
    ) -> list[Windows]:
        """Return what each tick sees of each set's samples: the newest at the time of the tick."""
        held = {"sensor": self._recording.sensor, "robot_states": self._recording.states}
        used = {"sensor": c.sensor, "robot_states": c.robot_states}

        def at(name: str, stamp_ns: int) -> NDArray[np.float32] | None:
            return window(held[name], config.window(name), stamp_ns, name) if used[name] else None

        stamps_ns = [s.stamp_ns + round(k * config.dt_s * NS) for k in range(c.reuse) for s in sets]
        return [(at(INPUTS[0], ns), at(INPUTS[1], ns)) for ns in stamps_ns]


def _hashes(sets: Sequence[FrameSet]) -> Hashes:
    return tuple(name for one in sets for name in one.hashes)
