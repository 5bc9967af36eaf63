import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "models"))
from tiny_policy import tiny_recipe

from vla_ros.benchmark.configuration import Configuration
from vla_ros.data.episodes import Samples
from vla_ros.models.recipes import make

PERIOD_NS = 100_000_000


@dataclass
class Picture:
    stamp_ns: int
    pixels: np.ndarray

    def image(self) -> np.ndarray:
        return self.pixels


@dataclass
class MadeUp:
    instruction: str
    views: dict
    sensor: Samples | None
    states: Samples | None


def samples(rate_hz: float, channels: int, seconds: float = 3.0) -> Samples:
    count = int(seconds * rate_hz)
    stamps = np.round(np.arange(count) * 1e9 / rate_hz).astype(np.int64)
    values = np.arange(count, dtype=np.float32)[:, None] / count + np.zeros(channels, np.float32)
    return Samples(stamps, values, rate_hz)


def made_up(frames: int = 5, cameras: int = 5, height: int = 90, width: int = 160) -> MadeUp:
    """A recording that fits the tiny policy."""
    rng = np.random.default_rng(0)
    shape = (height, width, 3)
    views = {
        f"camera_{camera}": [
            Picture(PERIOD_NS * (n + 2), rng.integers(0, 256, shape, np.uint8))
            for n in range(frames)
        ]
        for camera in range(1, cameras + 1)
    }
    return MadeUp("push the button", views, samples(650.0, 30), samples(100.0, 12))


@pytest.fixture
def recording() -> MadeUp:
    return made_up()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint; not to be changed."""
    folder = tmp_path_factory.mktemp("tiny")
    make(folder, tiny_recipe(), seed=3)
    return folder


@pytest.fixture
def base() -> Configuration:
    return Configuration(model="tiny", head="regression", views=2, layout="joint")
