import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_policy import tiny_recipe

from vla_ros.models.recipes import make


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint; not to be changed."""
    folder = tmp_path_factory.mktemp("tiny")
    make(folder, tiny_recipe(), seed=3)
    return folder


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A copy of it, to be broken."""
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


@pytest.fixture
def views() -> Callable[..., list[np.ndarray]]:
    """Make rgb images with some structure, each different."""

    def make_views(count: int, height: int = 90, width: int = 160) -> list[np.ndarray]:
        rng = np.random.default_rng(count)
        rows, columns = np.mgrid[0:height, 0:width]
        smooth = [rows * 2 + columns, columns * 3, rows + 5 * columns]
        noise = rng.integers(0, 60, (count, height, width, 3))
        return list(((np.stack(smooth, -1) + noise) % 256).astype(np.uint8))

    return make_views
