import math

import numpy as np
import pytest

from vla_ros.core.errors import MessageError
from vla_ros.core.inputs import Features, PolicyInputs
from vla_ros.core.rings import SampleRing
from vla_ros.core.time import Now, Seen

MS = 1_000_000
JOINTS = ("a", "b")


def seen(ms):
    return Seen(ms * MS, ms * MS)


def now(ms):
    return Now(ms * MS, ms * MS)


def features(*capture_ms):
    views = tuple(f"camera_{n}" for n in range(len(capture_ms)))
    return Features(np.zeros(4, np.float32), "s", 1, views, tuple(map(seen, capture_ms)))


def everything():
    inputs = PolicyInputs(SampleRing(5, 3), SampleRing(4, 8), JOINTS)
    inputs.put_features(features(100, 120))
    inputs.put_sensor(np.ones((10, 3), np.float32), 900 * MS, MS, 910 * MS)
    inputs.put_pose(np.arange(6, dtype=np.float32), seen(880))
    for ms in (900, 910):
        inputs.put_joints({"b": 2.0, "extra": 9.0, "a": 1.0}, seen(ms))
    return inputs


def test_it_names_what_is_missing():
    inputs = PolicyInputs(SampleRing(5, 3), SampleRing(4, 8), JOINTS)
    assert inputs.missing() == ["features", "sensor", "ee_pose"]
    assert inputs.snapshot(now(0)) is None


def test_the_ledger_adds_up():
    snapshot = everything().snapshot(now(1000))
    assert snapshot.view_ages_s == (0.9, 0.88)
    assert snapshot.features_age_s == 0.9
    assert snapshot.features.skews_s() == (0.02, 0.0)
    assert snapshot.sensor_age.age_s == pytest.approx(1.0 - 0.909)
    assert snapshot.sensor_age.samples == 5
    assert snapshot.state_age.age_s == pytest.approx(0.12)  # the pose is older than the joints
    assert snapshot.state_age.gap_s == pytest.approx(0.01)


def test_joints_are_matched_by_name():
    state = everything().snapshot(now(1000)).state
    assert state.shape == (4, 8)
    assert state[-1].tolist() == [1.0, 2.0, 0, 1, 2, 3, 4, 5]


def test_a_missing_joint_is_named():
    with pytest.raises(MessageError, match="lacks b; it has: a, c"):
        everything().put_joints({"a": 0.0, "c": 0.0}, seen(1))


def test_inputs_that_are_not_used_are_not_waited_for():
    inputs = PolicyInputs(None, None, JOINTS)
    inputs.put_features(features(100))
    inputs.put_joints({"a": 0.0, "b": 0.0}, seen(1))
    snapshot = inputs.snapshot(now(200))
    assert snapshot.sensor is None and snapshot.state is None
    assert math.isnan(snapshot.sensor_age.age_s) and math.isnan(snapshot.state_age.age_s)


def test_after_a_clock_jump_nothing_is_left():
    inputs = everything()
    inputs.clear()
    assert inputs.missing() == ["features", "sensor", "ee_pose"]


def test_joint_names_must_fit_the_checkpoint():
    with pytest.raises(MessageError, match="make 8 state channels; the checkpoint has 12"):
        PolicyInputs(None, SampleRing(4, 12), JOINTS)


def test_a_sensor_of_another_rate_is_refused():
    inputs = PolicyInputs(SampleRing(5, 3), None, JOINTS, sensor_rate_hz=650.0)
    block = np.ones((13, 3), np.float32)
    inputs.put_sensor(block, 0, round(1e9 / 640), 0)
    with pytest.raises(MessageError, match="100.0 Hz; the policy was trained with 650 Hz"):
        inputs.put_sensor(block, 10 * MS, round(1e9 / 100), 0)
