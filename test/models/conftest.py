import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vla_ros.models.config import WindowConfig
from vla_ros.models.recipes import RECIPES, Recipe, make

INSTRUCTION = "insert the needle into the blue point"


def tiny_recipe() -> Recipe:
    """The embedded shape in the smallest size that has every kind of layer."""
    embedded = RECIPES["embedded"]
    policy = dataclasses.replace(
        embedded.policy,
        feature_dim=64,
        sensor=WindowConfig(window=13, channels=30, rate_hz=650.0, width=8, dim=24),
        robot_states=WindowConfig(window=9, channels=12, rate_hz=100.0, width=8, dim=16),
        hidden=32,
    )
    text = embedded.text | {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "mrope_section": [2, 3, 3],
    }
    vision = embedded.vision | {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
        "fullatt_block_indexes": [1],
    }
    return dataclasses.replace(embedded, policy=policy, text=text, vision=vision)


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
