"""What an encode gives depends on its images and text alone, to the bit, whatever came before."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "models"))
from lockstep_bag import T0_NS, image
from tiny_policy import tiny_recipe

from vla_ros.core.framesets import Frame, FrameSet
from vla_ros.core.time import Seen
from vla_ros.models.recipes import make
from vla_ros.models.vl_encoder import load_encoder
from vla_ros.replay.lockstep_policy import RememberedEncoder

VIEWS = ("camera_1", "camera_2", "camera_3")


@pytest.fixture(scope="module", params=["joint", "per_view"])
def checkpoint(request, tmp_path_factory):
    recipe = tiny_recipe()
    policy = dataclasses.replace(recipe.policy, layout=request.param)
    folder = tmp_path_factory.mktemp(request.param)
    make(folder, dataclasses.replace(recipe, policy=policy), seed=3)
    return folder


def encoder(checkpoint):
    made = load_encoder(checkpoint, device="cpu", compiled="off")
    return RememberedEncoder(made, VIEWS, lambda message: message)


def frames(number, views=VIEWS):
    stamp_ns = T0_NS + number
    seen = Seen(stamp_ns, stamp_ns)
    return FrameSet(
        tuple(Frame(view, seen, image(stamp_ns, 10 * number + i)) for i, view in enumerate(views))
    )


def test_encodes_before_change_no_bit(checkpoint):
    alone = encoder(checkpoint)(frames(3), "insert").data
    busy = encoder(checkpoint)
    for before in [(frames(1), "insert"), (frames(2), "pull"), (frames(2, VIEWS[:2]), "insert")]:
        busy(*before)
    assert busy(frames(3), "insert").data.tobytes() == alone.tobytes()


def test_the_same_images_and_text_are_computed_once(checkpoint):
    one = encoder(checkpoint)
    first = one(frames(1), "insert")
    assert one(frames(1), "insert") is first
    assert (one.computed, one.reused) == (1, 1)
    others = [one(frames(1), "pull"), one(frames(2), "insert"), one(frames(1, VIEWS[1:]), "insert")]
    assert (one.computed, one.reused) == (4, 1)
    for other in others:
        assert not np.array_equal(other.data, first.data)
