"""Episodes: folders of images, sensor samples and robot states that belong to one instruction.

    episode.json                  schema, instruction, start_ns, views, model_id, source
    images/<view>/<stamp_ns>.jpg  or .png
    sensor.npz                    stamps_ns (N,), values (N, C), rate_hz; or sensor.csv
    robot_states.npz              stamps_ns (N,), values (N, joints + 6), joint_names; or .csv

A row of robot_states is what the policy takes: joints [rad], position [m], rotation vector [rad].
A csv has the header `stamp_ns,c0,c1,...`. Everything but the images may be absent.
"""

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vla_ros.core.time import NS
from vla_ros.data.episode_samples import EpisodeError as EpisodeError
from vla_ros.data.episode_samples import Samples as Samples
from vla_ros.data.episode_samples import read_samples

ABOUT = "episode.json"
SCHEMA = 1
IMAGES = "images"
# As the nodes decode: an orientation in the file is not followed.
_DECODE = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
_SUFFIXES = (".jpg", ".jpeg", ".png")
# Of images whose names do not tell when they were taken.
_SUPPOSED_HZ = 10.0
# A name with so many digits is a stamp in ns: any time after 1970-01-12.
_STAMP_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Frame:
    """An image on disk, and when it was captured."""

    stamp_ns: int
    path: Path

    def image(self) -> NDArray[np.uint8]:
        """Return the image as rgb, (H, W, 3).

        Raises:
            EpisodeError: the file is no image.
        """
        try:
            encoded = np.fromfile(self.path, np.uint8)
            image = cv2.imdecode(encoded, _DECODE) if encoded.size else None
        except (OSError, cv2.error) as error:
            raise EpisodeError(f"{self.path} cannot be read: {error}") from error
        if image is None:
            raise EpisodeError(f"{self.path} is no image; a whole JPEG or PNG is needed")
        return np.asarray(image, np.uint8)


@dataclass(frozen=True)
class Episode:
    """An episode; tables are read when they are first asked for, images each time.

    Attributes:
        folder: where it lies.
        instruction: what the robot was to do; empty if that is not known.
        views: the frames of each camera in the order of their capture.
        about: episode.json; empty in folders made elsewhere.
        note: what had to be supposed about the images; empty if nothing.
    """

    folder: Path
    instruction: str
    views: dict[str, tuple[Frame, ...]]
    about: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def start_ns(self) -> int:
        """When the first image was captured."""
        return min(frames[0].stamp_ns for frames in self.views.values())

    @cached_property
    def sensor(self) -> Samples | None:
        """The sensor's samples; EpisodeError if the file makes no sense."""
        return self._samples("sensor")

    @cached_property
    def states(self) -> Samples | None:
        """The robot's states, (N, joints + 6); EpisodeError if the file makes no sense."""
        return self._samples("robot_states")

    def _samples(self, name: str) -> Samples | None:
        frames = max(self.views.values(), key=len)
        gaps = max(len(frames) - 1, 1)
        span_s = (frames[-1].stamp_ns - frames[0].stamp_ns) / NS
        return read_samples(self.folder, name, self.start_ns, span_s * (gaps + 1) / gaps)


def read_episode(folder: Path) -> Episode:
    """Open an episode's folder, ours or one with nothing but images/<view>/*.jpg and tables.

    Raises:
        EpisodeError: there is no such folder, it has no images, or its parts contradict each other.
    """
    about = _about(folder)
    root = folder / IMAGES
    if not root.is_dir():
        raise EpisodeError(f"{folder} is no episode: {IMAGES}/<view>/*.jpg are needed")
    found = sorted((path.name for path in root.iterdir() if path.is_dir()), key=natural)
    names = about.get("views", found)
    if missing := [name for name in names if name not in found]:
        raise EpisodeError(f"{folder} lacks the images of {', '.join(missing)}; it has {found}")
    views, notes = {}, []
    for name in names:
        views[name], note = _frames(root / name)
        notes += [note] if note else []
    if not views:
        raise EpisodeError(f"{folder} is no episode: {root} holds no view's folder")
    if len(notes) not in (0, len(views)):
        raise EpisodeError(f"{folder}: {'; '.join(notes)}, but other views' names are stamps in ns")
    return Episode(folder, about.get("instruction", ""), views, about, "; ".join(notes))


def find_episodes(folder: Path) -> list[Path]:
    """Return the folder itself if it is an episode, else the episodes in it.

    Raises:
        EpisodeError: there is none.
    """
    if (folder / IMAGES).is_dir():
        return [folder]
    inside = sorted(folder.iterdir(), key=lambda p: natural(p.name)) if folder.is_dir() else []
    episodes = [path for path in inside if (path / IMAGES).is_dir()]
    if not episodes:
        raise EpisodeError(f"{folder} holds no episode: {IMAGES}/<view>/*.jpg are needed")
    return episodes


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts frame_10 after frame_9."""
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in re.split(r"(\d+)", name) if p]


def _about(folder: Path) -> dict[str, Any]:
    """Return episode.json, checked; nothing where there is none."""
    path = folder / ABOUT
    if not folder.is_dir():
        raise EpisodeError(f"there is no episode at {folder}")
    if not path.is_file():
        return {}
    try:
        about = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise EpisodeError(f"{path} is damaged: {error}") from error
    schema = about.get("schema") if isinstance(about, dict) else None
    if schema != SCHEMA:
        raise EpisodeError(f"{path} is of schema {schema!r}; {SCHEMA} is allowed")
    views, instruction = about.get("views", []), about.get("instruction", "")
    if not isinstance(instruction, str) or not isinstance(views, list):
        raise EpisodeError(f"{path}: instruction must be a text and views a list of names")
    return dict(about)


def _frames(folder: Path) -> tuple[tuple[Frame, ...], str]:
    """Return the frames of a view, and what had to be supposed about them."""
    paths = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES]
    if not paths:
        raise EpisodeError(f"{folder} holds no images; {', '.join(_SUFFIXES)} are allowed")
    paths.sort(key=lambda path: natural(path.stem))
    if all(path.stem.isdecimal() and len(path.stem) >= _STAMP_DIGITS for path in paths):
        return tuple(Frame(int(path.stem), path) for path in paths), ""
    period_ns = round(NS / _SUPPOSED_HZ)
    frames = tuple(Frame(number * period_ns, path) for number, path in enumerate(paths))
    return frames, f"{folder.name}'s images tell no time: supposed to be {_SUPPOSED_HZ:g} Hz"
