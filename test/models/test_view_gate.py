import numpy as np
import pytest

from vla_ros.core.errors import ParameterError
from vla_ros.models.view_gate import Reuse, ViewGate, difference, thumbnail

NS = 1_000_000_000
VIEWS = ("front", "side", "hand")


def _images(seed: int = 0) -> dict[int, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {n: rng.integers(0, 255, (96, 160, 3), np.uint8) for n in range(3)}


def _chosen(gate: ViewGate, images: dict[int, np.ndarray], at_s: float) -> tuple[int, ...]:
    stamps = dict.fromkeys(images, int(at_s * NS))
    chosen = gate.choose(images, stamps)
    gate.computed(chosen, stamps)
    return chosen


def test_noise_is_small_and_a_small_thing_that_moves_is_not() -> None:
    rng = np.random.default_rng(0)
    scene = np.full((360, 640, 3), 90, np.uint8)
    noisy = np.clip(scene + rng.normal(0, 3, scene.shape), 0, 255).astype(np.uint8)
    moved = scene.copy()
    moved[100:116, 200:216] = 250  # one block of 900
    still = thumbnail(scene)
    assert still.shape == (22, 40, 3)
    assert difference(still, still) == 0.0
    assert difference(still, thumbnail(noisy)) < 4.0
    assert difference(still, thumbnail(moved)) > 20.0
    assert difference(still, thumbnail(scene[:180])) == 255.0


def test_images_smaller_than_a_block() -> None:
    assert difference(thumbnail(np.zeros((5, 5, 3), np.uint8)), np.zeros((2, 2, 3))) == 0.0


def test_by_default_every_view_is_computed() -> None:
    gate, images = ViewGate(Reuse(), VIEWS), _images()
    assert not Reuse().active
    assert _chosen(gate, images, 0.0) == _chosen(gate, images, 0.1) == (0, 1, 2)


def test_only_views_that_changed() -> None:
    gate, images = ViewGate(Reuse(threshold=2.0, max_age_s=10.0), VIEWS), _images()
    assert _chosen(gate, images, 0.0) == (0, 1, 2)
    assert _chosen(gate, images, 0.1) == ()
    images[1] = images[1] // 2
    assert _chosen(gate, images, 0.2) == (1,)
    assert _chosen(gate, images, 0.3) == ()


def test_slow_drift_is_seen_against_what_was_computed() -> None:
    gate = ViewGate(Reuse(threshold=5.0, max_age_s=100.0), ("front",))
    chosen = [_chosen(gate, {0: np.full((64, 64, 3), n, np.uint8)}, n / 10) for n in range(11)]
    assert [n for n, views in enumerate(chosen) if views] == [0, 5, 10]


def test_no_view_is_kept_beyond_the_maximum_age() -> None:
    gate, images = ViewGate(Reuse(threshold=2.0, max_age_s=1.0), VIEWS), _images()
    _chosen(gate, images, 0.0)
    images[2] = images[2] // 2
    assert _chosen(gate, images, 0.9) == (2,)
    assert _chosen(gate, images, 1.0) == (0, 1)
    assert _chosen(gate, images, 0.5) == (0, 1, 2)  # the clock was set back


def test_what_failed_is_chosen_again() -> None:
    gate, images = ViewGate(Reuse(threshold=2.0), VIEWS), _images()
    stamps = dict.fromkeys(images, 0)
    assert gate.choose(images, stamps) == gate.choose(images, stamps) == (0, 1, 2)


def test_staggered_views_take_turns() -> None:
    gate = ViewGate(Reuse(always=("hand",), max_age_s=100.0), VIEWS)
    chosen = [_chosen(gate, _images(step), step / 10) for step in range(4)]
    assert chosen == [(0, 1, 2), (1, 2), (0, 2), (1, 2)]


def test_a_missing_view_keeps_its_own_state() -> None:
    gate, images = ViewGate(Reuse(threshold=2.0), VIEWS), _images()
    _chosen(gate, images, 0.0)
    assert _chosen(gate, {2: images[2]}, 0.1) == ()
    assert _chosen(gate, images, 0.2) == ()


def test_parameters_out_of_range() -> None:
    with pytest.raises(ParameterError, match="threshold is -1"):
        Reuse(threshold=-1)
    with pytest.raises(ParameterError, match="max_age_s is 0"):
        Reuse(max_age_s=0)
    with pytest.raises(ParameterError, match="always names wrist; the views are front, side"):
        ViewGate(Reuse(always=("wrist",)), VIEWS)
