"""Physics against clocks that the test turns."""

from vla_ros.sim.pace import NS, Pacer, RosTime


def test_steps_are_run_when_they_are_due():
    pacer = Pacer(1000, start_ns=5 * NS)
    assert pacer.due(5 * NS, 0) == (0, 1)
    assert pacer.due(5 * NS + 999_999, 1) == (0, 0)
    assert pacer.due(5 * NS + 1_000_000, 1) == (0, 1)
    assert pacer.due(5 * NS + 10_000_000, 2) == (0, 9)
    assert pacer.time_ns(11) == 5 * NS + 11_000_000
    assert (pacer.overruns, pacer.skipped) == (0, 0)


def test_a_short_delay_is_made_up_for_and_a_long_one_given_up():
    pacer = Pacer(1000, start_ns=0, backlog_s=0.1)
    assert pacer.due(99_000_000, 0) == (0, 100)
    assert pacer.due(200_000_000, 100) == (100, 1)
    assert (pacer.overruns, pacer.skipped) == (1, 100)
    # The grid stays: the next step is due when it always was.
    assert pacer.due(200_999_999, 201) == (0, 0)
    assert pacer.due(201_000_000, 201) == (0, 1)


class Clock:
    def __init__(self, now_ns, step_ns=1000):
        self.now_ns, self.step_ns = now_ns, step_ns

    def __call__(self):
        self.now_ns += self.step_ns
        return self.now_ns


def test_ros_time_follows_a_jump_but_not_an_interrupted_reading():
    steady, jump = Clock(10 * NS), [1000 * NS]
    ros = RosTime(steady, lambda: steady.now_ns + jump[0])
    assert abs(ros.of(10 * NS) - 1010 * NS) < 10_000
    jump[0] += 7 * NS
    assert abs(ros.of(10 * NS) - 1017 * NS) < 10_000
    jump[0] += 3_000_000
    steady.step_ns = 5_000_000
    assert abs(ros.of(10 * NS) - 1017 * NS) < 10_000
