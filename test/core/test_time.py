from vla_ros.core.time import NS, JumpDetector, Now, Seen


def test_age_is_time_since_capture():
    seen = Seen(stamp_ns=10 * NS, arrived_ns=500 * NS)
    assert seen.age_s(Now(ros_ns=12 * NS, steady_ns=501 * NS)) == 2.0


def test_a_stamp_in_the_future_grows_old_all_the_same():
    seen = Seen(stamp_ns=1000 * NS, arrived_ns=500 * NS)
    assert seen.age_s(Now(ros_ns=10 * NS, steady_ns=500 * NS)) == 0.0
    assert seen.age_s(Now(ros_ns=13 * NS, steady_ns=503 * NS)) == 3.0


def test_a_stopped_ros_clock_does_not_stop_ageing():
    seen = Seen(stamp_ns=10 * NS, arrived_ns=500 * NS)
    assert seen.age_s(Now(ros_ns=10 * NS, steady_ns=507 * NS)) == 7.0


def test_capture_time_on_the_steady_clock():
    seen = Seen(stamp_ns=10 * NS, arrived_ns=500 * NS)
    assert seen.captured_steady_ns(Now(11 * NS, 500 * NS)) == 499 * NS


def test_jumps_of_the_ros_clock_are_seen_once():
    jump = JumpDetector(tolerance_s=0.25)
    assert not jump.jumped(Now(100 * NS, 5 * NS))
    assert not jump.jumped(Now(101 * NS, 6 * NS))
    assert jump.jumped(Now(50 * NS, 7 * NS))
    assert not jump.jumped(Now(51 * NS, 8 * NS))
    assert jump.jumped(Now(5000 * NS, 9 * NS))
