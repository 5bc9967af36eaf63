import numpy as np
import pytest

from vla_ros.core.chunks import Chunk, seam

MS = 1_000_000


def chunk(actions, start_ms=0):
    return Chunk(start_ms * MS, 0.1, np.asarray(actions, np.float32))


def test_a_constant_chunk_is_its_deltas_over_dt():
    c = chunk(np.tile([0.001, 0.002, 0.0, 0.01, 0.0, 0.0, 0.5], (8, 1)))
    for ms in (0, 37, 400, 799):
        np.testing.assert_allclose(c.velocity(ms * MS), [0.01, 0.02, 0, 0.1, 0, 0], rtol=1e-5)
        assert c.gripper(ms * MS) == 0.5


def test_velocity_is_interpolated_between_the_middles_of_steps():
    c = chunk([[0.0] * 6, [0.01] * 6])
    assert c.velocity(50 * MS)[0] == 0
    assert c.velocity(100 * MS)[0] == pytest.approx(0.05)
    assert c.velocity(150 * MS)[0] == pytest.approx(0.1)


def test_playing_covers_the_same_distance_as_the_actions():
    steps = np.linspace(0.0, 0.01, 8)
    c = chunk(np.tile(steps[:, None], (1, 6)))
    times = np.arange(0, 800)
    moved = sum(c.velocity(int(t) * MS)[2] * 0.001 for t in times)
    assert moved == pytest.approx(steps.sum(), rel=0.01)


def test_a_chunk_is_spent_after_its_horizon():
    c = chunk(np.zeros((8, 7)), start_ms=1000)
    assert not c.spent(1799 * MS)
    assert c.spent(1800 * MS)


def test_a_single_action_and_no_gripper():
    c = chunk([[0.01] * 6])
    assert c.velocity(90 * MS)[0] == pytest.approx(0.1)
    assert c.gripper(0) is None


def test_not_finite():
    actions = np.zeros((8, 7))
    assert chunk(actions).finite()
    actions[3, 2] = np.inf
    assert not chunk(actions).finite()


def test_displacement_is_the_velocity_integrated():
    c = chunk(np.random.default_rng(0).normal(size=(8, 7)) * 0.01, start_ms=1000)
    times = np.linspace(1030, 1500, 20_001)
    velocities = np.array([c.velocity(int(ms * MS)) for ms in times])
    summed = np.trapezoid(velocities, times / 1e3, axis=0)
    np.testing.assert_allclose(c.displacement(1030 * MS, 1500 * MS), summed, atol=1e-7)
    np.testing.assert_array_equal(c.displacement(1030 * MS, 1030 * MS), np.zeros(6))


def test_a_chunk_that_goes_on_as_the_one_before_has_no_seam():
    steps = np.outer(np.arange(10), [0.001, 0, 0, 0, 0, 0.002, 0])
    old, new = chunk(steps[:8]), chunk(steps[1:9], start_ms=100)
    found = seam(old, new, 160 * MS)
    assert (found.linear, found.angular) == pytest.approx((0, 0), abs=1e-7)
    # Up to the middle of its first step the new one plays that step, the old one an earlier one.
    assert found.position == pytest.approx(0.5 * 0.05 * 0.01 * 0.5, rel=1e-3)


def test_a_seam_is_the_jump_of_velocity_and_what_the_plans_differ_by_since_the_new_start():
    old = chunk(np.tile([0.001, 0, 0, 0, 0.01, 0, 0], (8, 1)))
    new = chunk(np.tile([0.001, 0.004, 0, 0, 0, 0, 0], (8, 1)), start_ms=100)
    found = seam(old, new, 125 * MS)
    assert found.linear == pytest.approx(0.04)
    assert found.angular == pytest.approx(0.1)
    assert found.position == pytest.approx(0.04 * 0.025)


def test_after_a_spent_chunk_there_is_no_seam():
    assert seam(chunk(np.ones((8, 7))), chunk(np.ones((8, 7)), start_ms=800), 801 * MS) is None
