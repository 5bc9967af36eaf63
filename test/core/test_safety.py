import math

import numpy as np
import pytest

from vla_ros.core.safety import AgeLimits, Mode, MotionLimits, VelocityLimiter, judge

LIMITS = AgeLimits(features_soft_s=3.0, features_hard_s=5.0, sensor_s=0.2, state_s=0.2)
MOTION = MotionLimits(0.1, 1.0, 1.0, 10.0, (-0.2, -0.2, 0.0), (0.2, 0.2, 0.4))
HERE = np.array([0.0, 0.0, 0.2])
FRESH = {"sensor": 0.01, "state": 0.01}


@pytest.mark.parametrize(
    ("features_s", "others", "mode", "word"),
    [
        (1.0, FRESH, Mode.RUNNING, "sound"),
        (4.0, FRESH, Mode.SLOWED, "features"),
        (5.1, FRESH, Mode.HOLD, "features"),
        (math.nan, FRESH, Mode.HOLD, "features"),
        (math.inf, FRESH, Mode.HOLD, "features"),
        (1.0, {"sensor": 0.3, "state": 0.01}, Mode.HOLD, "sensor"),
        (1.0, {"sensor": 0.01, "state": 0.3}, Mode.HOLD, "state"),
        (1.0, {"sensor": math.nan, "state": math.nan}, Mode.RUNNING, "sound"),
    ],
)
def test_ages_decide(features_s, others, mode, word):
    verdict = judge(features_s, others, LIMITS)
    assert verdict.mode == mode
    assert word in verdict.reason
    assert (verdict.scale > 0) == (mode in (Mode.RUNNING, Mode.SLOWED))


def test_slowing_down_is_steady():
    scales = [judge(age, FRESH, LIMITS).scale for age in np.linspace(2.9, 5.1, 50)]
    assert scales[0] == 1.0 and scales[-1] == 0.0
    assert all(a >= b for a, b in zip(scales, scales[1:]))


def settle(limiter, wanted, position=HERE, steps=200):
    return [limiter.step(np.asarray(wanted, float), 0.02, position) for _ in range(steps)]


def test_speed_and_acceleration_stay_within_limits_in_every_direction():
    random = np.random.default_rng(3)
    limiter = VelocityLimiter(MOTION)
    before = np.zeros(6)
    for _ in range(500):
        velocity = limiter.step(random.normal(0, 5, 6), 0.02, HERE)
        assert np.linalg.norm(velocity[:3]) <= 0.1 + 1e-9
        assert np.linalg.norm(velocity[3:]) <= 1.0 + 1e-9
        assert np.linalg.norm((velocity - before)[:3]) <= 1.0 * 0.02 + 1e-9
        assert np.linalg.norm((velocity - before)[3:]) <= 10.0 * 0.02 + 1e-9
        before = velocity


def test_the_direction_is_kept():
    velocity = settle(VelocityLimiter(MOTION), [3, 4, 0, 0, 0, 0])[-1]
    np.testing.assert_allclose(velocity[:3], [0.06, 0.08, 0])


def test_the_tool_stays_inside_its_workspace():
    limiter, position = VelocityLimiter(MOTION), np.array([0.0, 0.0, 0.1])
    for _ in range(1000):
        velocity = limiter.step(np.array([0.1, 0.0, -0.1, 0, 0, 0]), 0.02, position)
        position = position + velocity[:3] * 0.02
    assert position[0] <= 0.2 + 2e-3 and position[2] >= 0.0 - 2e-3
    assert position[0] > 0.19 and position[2] < 0.01


def test_outside_the_workspace_only_the_way_back_is_open():
    outside = np.array([0.3, 0.0, 0.2])
    assert settle(VelocityLimiter(MOTION), [0.1, 0, 0, 0, 0, 0], outside)[-1][0] == 0.0
    assert settle(VelocityLimiter(MOTION), [-0.1, 0, 0, 0, 0, 0], outside)[-1][0] < 0.0


def test_it_comes_to_rest():
    limiter = VelocityLimiter(MOTION)
    settle(limiter, [0.1, 0, 0, 0, 0, 1.0])
    stops = settle(limiter, np.zeros(6), position=None, steps=6)
    assert not stops[-1].any()
