"""The loop runs on a clock of the test's own; only the threads are real."""

import threading
import time

import pytest

from vla_ros.core.encode_loop import EncodeLoop, EncodeSchedule
from vla_ros.core.framesets import FrameMatcher
from vla_ros.core.time import NS, Now, Seen


class Bench:
    """A loop of one camera whose encodes the test can hold up."""

    def __init__(self, rate_hz=0.0):
        self.time_ns = 10 * NS
        self.started, self.release = threading.Semaphore(0), threading.Semaphore(0)
        self.done = []
        matcher = FrameMatcher(["camera"], 0.05, 1, max_age_s=1e6)
        self.loop = EncodeLoop(
            matcher, lambda: Now(self.time_ns, self.time_ns), rate_hz, self._encode
        )
        self.loop.start()

    def _now(self):
        return Now(self.time_ns, self.time_ns)

    def _encode(self, frames, instruction, now):
        self.started.release()
        self.release.acquire()
        self.done.append((frames.frames[0].image, instruction))

    def image(self, number):
        self.time_ns += NS // 10
        self.loop.put("camera", Seen(self.time_ns, self.time_ns), number)

    def wait_for_start(self):
        assert self.started.acquire(timeout=5)

    def finish_one(self):
        count = len(self.done)
        self.release.release()
        while len(self.done) == count:
            time.sleep(0.001)

    def close(self):
        self.release.release(100)
        self.loop.stop(5)


@pytest.fixture
def make():
    benches = []

    def _make(**options):
        benches.append(Bench(**options))
        return benches[-1]

    yield _make
    for bench in benches:
        bench.close()


def test_overload_drops_frames_and_never_ages_them(make):
    bench = make()
    bench.image(0)
    bench.wait_for_start()
    for number in range(1, 10):
        bench.image(number)
    bench.finish_one()
    bench.wait_for_start()
    bench.finish_one()
    assert [image for image, _ in bench.done] == [0, 9]


def test_the_rate_limits_it(make):
    bench = make(rate_hz=1.0)
    bench.image(0)
    bench.wait_for_start()
    bench.finish_one()
    for number in range(1, 6):
        bench.image(number)
    assert not bench.started.acquire(timeout=0.3)


def test_a_new_instruction_is_encoded_at_once(make):
    bench = make(rate_hz=0.01)
    bench.loop.instruct("first")
    bench.image(0)
    bench.wait_for_start()
    bench.finish_one()
    bench.image(1)
    bench.loop.instruct("first")
    assert not bench.started.acquire(timeout=0.2)
    bench.loop.instruct("second")
    bench.wait_for_start()
    bench.finish_one()
    assert bench.done == [(0, "first"), (1, "second")]


def test_an_error_in_the_worker_is_kept_for_the_node():
    def fail(*_):
        raise ValueError("broken model")

    loop = EncodeLoop(FrameMatcher(["camera"], 0.05, 1), lambda: Now(NS, NS), 0.0, fail)
    loop.start()
    loop.put("camera", Seen(NS, NS), 0)
    while loop.error is None:
        time.sleep(0.001)
    loop.stop(5)
    assert isinstance(loop.error, ValueError)


def test_the_worker_prepares_itself_before_the_first_encode():
    order = []
    matcher = FrameMatcher(["camera"], 0.05, 1)
    loop = EncodeLoop(
        matcher,
        lambda: Now(NS, NS),
        0.0,
        lambda *_: order.append(("encode", threading.current_thread().name)),
        prepare=lambda: order.append(("prepare", threading.current_thread().name)),
    )
    loop.put("camera", Seen(NS, NS), 0)
    loop.start()
    while len(order) < 2:
        time.sleep(0.001)
    loop.stop(5)
    assert order == [("prepare", "encode"), ("encode", "encode")]


class TestSchedule:
    """The rule itself, without a thread."""

    @staticmethod
    def make(rate_hz, views=("left", "right")):
        return EncodeSchedule(FrameMatcher(views, 0.05, len(views)), rate_hz)

    @staticmethod
    def put(schedule, at_ms, views=("left", "right")):
        at_ns = at_ms * NS // 1000
        for view in views:
            schedule.put(view, Seen(at_ns, at_ns), at_ms)
        return Now(at_ns, at_ns)

    def test_nothing_is_due_without_a_whole_set(self):
        schedule = self.make(1.0)
        now = self.put(schedule, 1000, ["left"])
        assert schedule.take(now) is None
        assert schedule.wait_ns(now) is None  # only news can change that
        assert schedule.take(self.put(schedule, 1001, ["right"])) is not None

    def test_the_grid_is_placed_by_the_first_encode_and_kept_by_later_ones(self):
        schedule = self.make(1.0)
        assert schedule.take(self.put(schedule, 1030))
        now = self.put(schedule, 1930)
        assert schedule.take(now) is None
        assert schedule.wait_ns(now) == 100 * NS // 1000
        assert schedule.take(self.put(schedule, 2130))  # late by 100 ms
        assert schedule.wait_ns(Now(0, 2130 * NS // 1000)) == 900 * NS // 1000

    def test_after_an_encode_longer_than_the_period_the_grid_is_placed_anew(self):
        schedule = self.make(1.0)
        assert schedule.take(self.put(schedule, 1000))
        assert schedule.take(self.put(schedule, 3500))
        assert schedule.wait_ns(Now(0, 3500 * NS // 1000)) == NS

    def test_only_another_instruction_is_due_at_once_and_it_needs_a_new_set(self):
        schedule = self.make(0.01)
        assert schedule.instruct("first")
        assert schedule.take(self.put(schedule, 1000))[1] == "first"
        assert not schedule.instruct("first")
        assert schedule.take(self.put(schedule, 1100)) is None
        assert schedule.instruct("second")
        frames, text = schedule.take(self.put(schedule, 1200))
        assert (frames.frames[0].image, text) == (1200, "second")

    def test_cleared_frames_are_not_encoded(self):
        schedule = self.make(0.0)
        now = self.put(schedule, 1000)
        schedule.clear()
        assert schedule.take(now) is None
