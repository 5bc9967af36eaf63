import dataclasses

import numpy as np
import pytest

from vla_ros.benchmark.proof import ImagesLostError, check_seen, check_tokens
from vla_ros.models.features import EncodedFeatures

IMAGES = [np.full((90, 160, 3), shade, np.uint8) for shade in (10, 200)]
SOUND = EncodedFeatures(
    data=np.zeros(4, np.float32),
    view_tokens=np.array([18, 18], np.uint32),
    image_grid_thw=np.array([[1, 6, 12], [1, 6, 12]], np.uint32),
    total_tokens=50,
    view_stamps_ns=(0, 0),
    computed=(0, 1),
    stages=(),
)


def changed(**fields) -> EncodedFeatures:
    return dataclasses.replace(SOUND, **fields)


def test_tokens_that_agree() -> None:
    check_tokens(IMAGES, SOUND, merge=2)
    check_tokens(IMAGES, SOUND, merge=None)


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (changed(view_tokens=np.array([18, 0])), "view 2 has 0 tokens"),
        (changed(view_tokens=np.array([18])), "2 images went in, and 1 views"),
        (changed(view_tokens=np.array([18, 17])), "view 2 has 17 tokens, which a grid of"),
        (changed(view_tokens=np.array([18, 9])), "view 2 has 9 tokens, which a grid of"),
        (changed(image_grid_thw=np.array([[1, 6, 12], [0, 0, 0]])), "view 2 has 18 tokens for"),
        (changed(image_grid_thw=np.array([[1, 6, 12], [1, 12, 6]])), "view 2 is 160x90, which"),
        (changed(total_tokens=36), "36 tokens in all hold no text"),
    ],
)
def test_tokens_that_do_not(encoded, reason) -> None:
    with pytest.raises(ImagesLostError, match=reason):
        check_tokens(IMAGES, encoded, merge=2)


def seeing(weights):
    """An encoder whose features are a weighted sum of the views' means, and some noise."""
    rng = np.random.default_rng(0)

    def encode(images):
        means = np.array([image.mean() for image in images]) * weights
        noise = rng.normal(0.0, 1e-4, 2)
        return (np.array([[means.sum(), 1.0]]) + noise).astype(np.float32), SOUND

    return encode


def prove(encode) -> None:
    check_seen(encode, IMAGES, encode(IMAGES)[0])


def test_every_view_makes_a_difference() -> None:
    prove(seeing([1.0, 0.5]))


@pytest.mark.parametrize(("weights", "view"), [([0.0, 1.0], 1), ([1.0, 0.0], 2)])
def test_a_view_that_makes_none(weights, view) -> None:
    with pytest.raises(ImagesLostError, match=f"stay the same when view {view} changes"):
        prove(seeing(weights))


def test_a_set_of_a_batch_that_makes_none() -> None:
    def second_is_lost(images):
        return np.array([[images[0].mean(), 1.0], [7.0, 1.0]], np.float32), SOUND

    with pytest.raises(ImagesLostError, match="when the images of a set change"):
        prove(second_is_lost)
