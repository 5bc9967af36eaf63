import numpy as np
import pytest

from vla_ros.core.errors import MessageError
from vla_ros.core.framesets import FrameMatcher
from vla_ros.core.time import NS, Now, Seen

MS = 1_000_000
VIEWS = [f"camera_{n}" for n in range(1, 6)]


def matcher(**options):
    return FrameMatcher(VIEWS, **{"slop_s": 0.05, "min_views": 5, **options})


def put(m, view, stamp_ms, arrived_ms=None):
    arrived = stamp_ms if arrived_ms is None else arrived_ms
    m.put(view, Seen(stamp_ms * MS, arrived * MS), f"{view}@{stamp_ms}")


def at(ms):
    return Now(ms * MS, ms * MS)


def test_one_image_of_each_camera_of_the_same_moment():
    m = matcher()
    for moment in (100, 200, 300):
        for offset, view in enumerate(VIEWS):
            put(m, view, moment + offset)
    chosen = m.pick(at(310))
    assert [f.image for f in chosen.frames] == [f"{v}@{300 + i}" for i, v in enumerate(VIEWS)]
    assert (chosen.oldest_ns, chosen.newest_ns) == (300 * MS, 304 * MS)


def test_a_set_is_given_once():
    m = matcher()
    for view in VIEWS:
        put(m, view, 100)
    assert m.pick(at(110)) is not None
    assert m.pick(at(120)) is None


def test_frames_further_apart_than_the_slop_are_no_set():
    m = matcher()
    for view in VIEWS[:4]:
        put(m, view, 200)
    put(m, VIEWS[4], 140)
    assert m.pick(at(210)) is None
    put(m, VIEWS[4], 160)
    assert m.pick(at(210)) is not None


def test_an_older_complete_set_beats_a_newer_incomplete_one():
    m = matcher(min_views=4)
    for view in VIEWS:
        put(m, view, 100)
    for view in VIEWS[:4]:
        put(m, view, 200)
    assert len(m.pick(at(210)).frames) == 5


def test_a_dead_camera_does_not_silence_the_others_where_that_is_allowed():
    strict, lenient = matcher(), matcher(min_views=4)
    for moment in range(100, 3000, 100):
        for view in VIEWS if moment < 500 else VIEWS[1:]:
            put(strict, view, moment)
            put(lenient, view, moment)
    assert strict.pick(at(2950)) is None
    assert [f.view for f in lenient.pick(at(2950)).frames] == VIEWS[1:]


def test_old_images_are_not_used():
    m = matcher(max_age_s=0.5)
    for view in VIEWS:
        put(m, view, 100)
    assert m.pick(at(700)) is None


def test_a_clock_set_back_does_not_silence_the_cameras():
    m = matcher()
    for view in VIEWS:
        put(m, view, 100_000, arrived_ms=1000)
    assert m.pick(Now(100_010 * MS, 1010 * MS)) is not None
    for view in VIEWS:
        put(m, view, 40_000, arrived_ms=1100)
    chosen = m.pick(Now(40_010 * MS, 1110 * MS))
    assert chosen is not None and chosen.newest_ns == 40 * NS


def test_repeated_stamps_are_counted_and_left_out():
    m = matcher()
    put(m, VIEWS[0], 100)
    put(m, VIEWS[0], 100)
    assert (m.counts[VIEWS[0]].received, m.counts[VIEWS[0]].repeated) == (2, 1)


def test_unknown_views_are_named():
    with pytest.raises(MessageError, match="'left'.*camera_1, camera_2"):
        put(matcher(), "left", 1)


def test_the_newest_possible_set_is_always_found():
    """Against trying every combination, on random arrivals."""
    random = np.random.default_rng(7)
    for _ in range(200):
        m = FrameMatcher(VIEWS[:3], slop_s=0.03, min_views=3, max_age_s=9)
        stamps = {v: sorted(random.choice(300, 4, replace=False)) for v in VIEWS[:3]}
        for view, times in stamps.items():
            for time in times:
                put(m, view, int(time))
        sets = [
            max(a, b, c)
            for a in stamps[VIEWS[0]]
            for b in stamps[VIEWS[1]]
            for c in stamps[VIEWS[2]]
            if max(a, b, c) - min(a, b, c) <= 30
        ]
        chosen = m.pick(at(300))
        assert (chosen.newest_ns // MS if chosen else None) == max(sets, default=None)


def test_lost_frames_show_in_the_spacing_of_the_stamps():
    m = matcher()
    random = np.random.default_rng(1)
    sent = list(range(100, 10_000, 100))
    lost = {2000, 5000, 5100, 5200, 9000}
    for moment in sent:
        if moment not in lost:
            put(m, VIEWS[0], moment + int(random.integers(-10, 10)))
    counts = m.counts[VIEWS[0]]
    assert (counts.received, counts.lost) == (len(sent) - 5, 5)


def unpaired(m):
    return [m.counts[view].unpaired for view in m.views]


@pytest.mark.parametrize("order", [1, -1])
def test_frames_of_one_moment_are_superseded_and_never_unpaired(order):
    """Nothing is ever picked; the arrival order within a moment is no reason either."""
    m = matcher()
    for moment in range(100, 3000, 100):
        for view in VIEWS[::order]:
            put(m, view, moment)
    assert unpaired(m) == [0] * 5


def test_a_camera_that_is_off_by_more_than_the_slop_leaves_all_frames_unpaired():
    m = matcher(slop_s=0.03)
    for moment in range(100, 2100, 100):
        for view in VIEWS[:4]:
            put(m, view, moment)
        put(m, VIEWS[4], moment + 50)
    assert unpaired(m) == [20 - m.keep] * 5  # the newest few may still find partners


def test_one_camera_alone_is_unpaired_where_the_others_may_go_without_it():
    m = matcher(slop_s=0.03, min_views=4)
    for moment in range(100, 2100, 100):
        for view in VIEWS[:4]:
            put(m, view, moment)
        put(m, VIEWS[4], moment + 50)
    assert unpaired(m) == [0, 0, 0, 0, 20 - m.keep]


def test_a_lost_frame_leaves_those_of_its_moment_unpaired():
    m = matcher()
    for moment in range(100, 2100, 100):
        for view in VIEWS:
            if (view, moment) != (VIEWS[2], 700):
                put(m, view, moment)
    assert unpaired(m) == [1, 1, 0, 1, 1]


def test_a_picked_frame_is_not_unpaired_and_a_clock_that_was_set_counts_nothing():
    m = matcher()
    for moment in range(100, 1100, 100):
        for view in VIEWS:
            put(m, view, moment)
        assert m.pick(at(moment)) is not None
    put(m, VIEWS[0], 2000)
    m.clear()
    for moment in range(3000, 4000, 100):
        for view in VIEWS:
            put(m, view, moment)
    assert unpaired(m) == [0] * 5


def test_unpaired_against_trying_every_window_on_random_arrivals():
    random = np.random.default_rng(3)
    for _ in range(50):
        m = FrameMatcher(VIEWS[:3], slop_s=0.03, min_views=2, max_age_s=9, keep=50)
        stamps = {v: sorted(int(t) for t in random.choice(600, 12, False)) for v in VIEWS[:3]}
        arrivals = [(view, time) for view, times in stamps.items() for time in times]
        # Each view's frames come in order, the views in any.
        for view, _ in random.permutation(arrivals):
            put(m, view, stamps[view][m.counts[view].received])
        fits = {
            (view, time)
            for view, time in arrivals
            for end in range(time, time + 31)
            if len({v for v, t in arrivals if end - 30 <= t <= end}) >= 2
        }
        assert m._alone == {
            (view, time * MS) for view, time in arrivals if (view, time) not in fits
        }
