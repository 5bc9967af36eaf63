from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from conftest import made_up
from tiny_policy import tiny_recipe

from vla_ros.benchmark.feed import Feed


@pytest.mark.parametrize("frames", [3, 4, 5])
@pytest.mark.parametrize("others", [1, 2, 3, 4])
def test_nothing_sees_a_set_twice_in_a_row(base, frames, others) -> None:
    feed, policy = Feed(made_up(frames)), tiny_recipe().policy
    configurations = [replace(base, reuse=n) for n in range(1, others + 1)]
    shown = [[feed.next(c, policy).hashes for c in configurations] for _ in range(7)]
    for one, other in pairwise(hashes for turn in shown for hashes in turn):
        assert one != other
    for own in zip(*shown, strict=True):
        assert all(one != other for one, other in pairwise(own))


def test_frames_in_which_nothing_moves_are_skipped(base) -> None:
    recording = made_up(6)
    for frames in recording.views.values():
        for number, frame in enumerate(frames):
            frame.pixels = frames[number // 3 * 3].pixels  # two different images, three times each
    feed, policy = Feed(recording), tiny_recipe().policy
    shown = [feed.next(base, policy).hashes for _ in range(5)]
    assert len(set(shown)) == 2
    assert all(one != other for one, other in pairwise(shown))


def test_every_tick_has_windows_of_its_own(base) -> None:
    inputs = Feed(made_up()).next(replace(base, reuse=3, batch=2), tiny_recipe().policy)
    assert len(inputs.images) == len(inputs.hashes) == 2 * 2
    assert len(inputs.windows) == 3 * 2
    sensor = [window[0] for window in inputs.windows]
    assert sensor[0].shape == (13, 30) and inputs.windows[0][1].shape == (9, 12)
    newest = [float(window[-1, 0]) for window in sensor]
    # 65 samples a tick of 0.1 s, of 1,950: sets 0.1 s apart, and so are ticks.
    steps = np.round((np.array(newest) - newest[0]) * 1950).tolist()
    assert steps == [0, 65, 65, 130, 130, 195]


def test_inputs_that_are_not_used_are_not_asked_for(base) -> None:
    recording = made_up()
    recording.sensor = None
    inputs = Feed(recording).next(replace(base, sensor=False), tiny_recipe().policy)
    assert inputs.windows[0][0] is None and inputs.windows[0][1] is not None


def test_a_recording_without_instruction_gets_one(base) -> None:
    recording = made_up()
    recording.instruction = ""
    assert Feed(recording).next(base, tiny_recipe().policy).instruction
