"""The loop runs on a clock of the test's own; only the threads are real."""

import threading
import time

import pytest

from vla_ros.core.encode_loop import EncodeLoop
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
