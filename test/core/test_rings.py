import numpy as np
import pytest

from vla_ros.core.errors import MessageError
from vla_ros.core.rings import SampleRing
from vla_ros.core.time import NS, Now

MS = 1_000_000


def block(first, count, channels=2):
    return np.repeat(np.arange(first, first + count, dtype=np.float32)[:, None], channels, axis=1)


def test_nothing_before_the_first_sample():
    ring = SampleRing(4, 2)
    assert ring.window() is None
    assert ring.age_s(Now(0, 0)) == float("inf")


@pytest.mark.parametrize("batch", [1, 3, 13, 64, 200])
def test_the_window_is_always_the_newest_samples(batch):
    ring = SampleRing(65, 2)
    for first in range(0, 1000, batch):
        ring.append(block(first, batch), first * MS, MS, first)
        window = ring.window()
        last = first + batch - 1
        real = min(65, last + 1)
        assert window.samples == real
        assert window.newest.stamp_ns == last * MS
        expected = np.arange(last - 64, last + 1).clip(min=last + 1 - real)
        np.testing.assert_array_equal(window.data[:, 0], expected)
        assert window.data.shape == (65, 2)


def test_a_short_window_repeats_its_oldest_sample():
    ring = SampleRing(4, 1)
    ring.append(block(7, 2, 1), 0, MS, 0)
    assert ring.window().data[:, 0].tolist() == [7, 7, 7, 8]
    assert ring.window().samples == 2


def test_a_gap_shows():
    ring = SampleRing(8, 1)
    ring.append(block(0, 3, 1), 0, MS, 0)
    ring.append(block(3, 3, 1), 50 * MS, MS, 0)
    assert ring.window().gap_s == pytest.approx(0.048)


def test_a_late_or_repeated_block_is_dropped():
    ring = SampleRing(4, 1)
    ring.append(block(0, 4, 1), 100 * MS, MS, 0)
    ring.append(block(90, 4, 1), 100 * MS, MS, 0)
    assert ring.window().data[:, 0].tolist() == [0, 1, 2, 3]


def test_a_clock_set_back_starts_the_ring_anew():
    ring = SampleRing(4, 1)
    ring.append(block(0, 4, 1), 100 * NS, MS, 0)
    ring.append(block(9, 1, 1), 5 * NS, MS, 0)
    assert ring.window().samples == 1
    assert ring.window().newest.stamp_ns == 5 * NS


def test_wrong_channels_are_named():
    with pytest.raises(MessageError, match=r"\(3, 5\).*\(N, 2\)"):
        SampleRing(4, 2).append(block(0, 3, 5), 0, MS, 0)
