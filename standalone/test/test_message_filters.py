import itertools
import random

import pytest
from rclpy.clock_type import ClockType
from rclpy.time import Time
from std_msgs.msg import Header, String

import message_filters
from message_filters import (
    ApproximateTimeSynchronizer,
    Cache,
    SimpleFilter,
    Subscriber,
    TimeSynchronizer,
)

REAL = not hasattr(message_filters, "left_out")
MS = 1_000_000


class Message:
    def __init__(self, ms, source=0):
        self.header = Header(stamp=Time(nanoseconds=int(ms * MS)).to_msg())
        self.ms, self.source = ms, source


def times(*ms):
    return [Time(nanoseconds=x * MS, clock_type=ClockType.ROS_TIME) for x in ms]


def synchronizer(count, queue_size, slop_ms=None):
    """Return sources, and the list of what comes out: tuples of times in ms."""
    sources, out = [SimpleFilter() for _ in range(count)], []
    if slop_ms is None:
        sync = TimeSynchronizer(sources, queue_size)
    else:
        sync = ApproximateTimeSynchronizer(sources, queue_size, slop_ms / 1000)
    sync.registerCallback(lambda *messages: out.append(tuple(m.ms for m in messages)))
    return sources, out


def feed(sources, *pairs):
    for index, ms in pairs:
        sources[index].signalMessage(Message(ms, index))


def test_callbacks_get_messages_and_arguments_in_order():
    source, got = SimpleFilter(), []
    assert source.registerCallback(lambda *a: got.append(a), "x") == 0
    assert source.registerCallback(lambda *a: got.append(a)) == 1
    source.signalMessage(1, 2)
    assert got == [(1, 2, "x"), (1, 2)]


def test_cache():
    source, got = SimpleFilter(), []
    cache = Cache(source, 3)
    cache.registerCallback(lambda message: got.append(message.ms))
    assert cache.getLast() is None and cache.getOldestTime() is None
    for ms in (10, 20, 30, 40):
        source.signalMessage(Message(ms))
    assert got == [10, 20, 30, 40]
    before, at, after, late = times(15, 20, 35, 45)
    assert [m.ms for m in cache.getInterval(at, after)] == [20, 30]
    assert cache.getElemAfterTime(before).ms == 20 and cache.getElemAfterTime(late) is None
    assert cache.getElemBeforeTime(after).ms == 30 and cache.getElemBeforeTime(before) is None
    assert cache.getOldestTime() == at and cache.getLastestTime() == times(40)[0]
    assert cache.getLast().ms == 40


def test_messages_without_a_header_need_leave():
    source = SimpleFilter()
    refusing, accepting = Cache(source, 1), Cache(source, 1, allow_headerless=True)
    source.signalMessage(String())
    assert refusing.getLast() is None and accepting.getLast() is not None


def test_exact_times():
    sources, out = synchronizer(2, 2)
    feed(sources, (0, 1), (0, 2), (1, 2), (1, 3), (0, 3))
    assert out == [(2, 2), (3, 3)]


def test_a_full_queue_forgets_the_oldest():
    sources, out = synchronizer(2, 2)
    feed(sources, (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3))
    assert out == [(2, 2), (3, 3)]


def test_a_straggler_does_not_push_newer_ones_out():
    sources, out = synchronizer(2, 2)
    feed(sources, (0, 10), (0, 20), (0, 5), (1, 10), (1, 20))
    assert out == [(10, 10), (20, 20)]


@pytest.mark.parametrize(
    "pairs, expected",
    [
        ([(0, 0), (1, 4), (2, 8)], [(0, 4, 8)]),
        ([(0, 0), (1, 4), (2, 10)], []),  # the slop itself is too far
        ([(0, 0), (1, 0), (2, 11), (0, 12), (1, 12)], [(12, 12, 11)]),
        ([(0, 0), (0, 3), (1, 3), (2, 3)], [(3, 3, 3)]),  # nearest to the newest message
        ([(2, 3), (1, 3), (0, 0)], [(0, 3, 3)]),
        ([(0, 1), (0, 5), (1, 3), (2, 3)], [(1, 3, 3)]),  # a tie: the first to come
    ],
)
def test_approximate_times(pairs, expected):
    sources, out = synchronizer(3, 5, slop_ms=10)
    feed(sources, *pairs)
    assert out == expected


def all_combinations(count, queue_size, slop, arrivals):
    """The rules as they are written, by trying everything."""
    queues, out = [{} for _ in range(count)], []
    for index, stamp in arrivals:
        queues[index][stamp] = True
        while len(queues[index]) > queue_size:
            del queues[index][min(queues[index])]
        choices = [
            [stamp]
            if i == index
            else sorted((s for s in q if abs(s - stamp) <= slop), key=lambda s: abs(s - stamp))
            for i, q in enumerate(queues)
        ]
        for chosen in itertools.product(*choices):
            if max(chosen) - min(chosen) < slop and all(
                s in q for s, q in zip(chosen, queues, strict=True)
            ):
                out.append(chosen)
                for s, q in zip(chosen, queues, strict=True):
                    del q[s]
                break
    return out


@pytest.mark.parametrize("seed", range(40))
def test_the_set_found_is_that_of_trying_all_combinations(seed):
    chance = random.Random(seed)
    count, queue_size = chance.randint(1, 4), chance.randint(1, 6)
    slop = chance.choice([1, 5, 20, 60])
    arrivals = []
    for step in range(60):
        ms = step * 10 + chance.randint(-12, 12) + 1000  # rises, out of order now and then
        arrivals.append((chance.randrange(count), ms))
    if _two_refused_in_a_row(queue_size, arrivals):
        pytest.skip("looks like a clock that jumped")
    sources, out = synchronizer(count, queue_size, slop)
    feed(sources, *arrivals)
    assert out == all_combinations(count, queue_size, slop, arrivals)


def _two_refused_in_a_row(queue_size, arrivals):
    by_source = {}
    for index, ms in arrivals:
        by_source.setdefault(index, []).append(ms)
    return queue_size == 1 and any(
        a > b and a > c for s in by_source.values() for a, b, c in zip(s, s[1:], s[2:])
    )


@pytest.mark.skipif(REAL, reason="Jazzy's goes silent")
@pytest.mark.parametrize("slop_ms", [None, 20])
def test_a_clock_that_jumps_back_silences_nothing(slop_ms):
    sources, out = synchronizer(3, 5, slop_ms)
    lagging = [(i, ms) for ms in range(60_000, 60_400, 33) for i in (0, 1)]
    feed(sources, *lagging)  # the third is silent: the queues are full when the clock jumps
    feed(sources, *[(i, ms) for ms in range(0, 500, 33) for i in range(3)])
    sets = len(range(0, 500, 33))
    assert len(out) >= sets - 2 and out[-1] == (495, 495, 495)


class FakeNode:
    def create_subscription(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs
        return self

    topic_name = "/resolved"


def test_subscriber():
    node, got = FakeNode(), []
    subscriber = Subscriber(node, String, "words", qos_profile=7, raw=True)
    subscriber.registerCallback(got.append)
    assert node.args[:2] == (String, "words")
    assert node.kwargs == {"qos_profile": 7, "raw": True}
    node.args[2]("message")
    assert got == ["message"]
    assert subscriber.getTopic() == "words" and subscriber.topic_name == "/resolved"
    Subscriber(node, String, "words")
    assert node.kwargs == {"qos_profile": 10}
