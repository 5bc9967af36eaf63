import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped, WrenchStamped
from rclpy.serialization import deserialize_message, serialize_message

from vla_ros.core.errors import MessageError
from vla_ros.msg import SensorSamples, VlFeatures
from vla_ros.ros.convert import (
    floats,
    from_octets,
    octets,
    pose_row,
    sensor_block,
    to_ns,
    to_stamp,
)


def through_the_wire(message):
    return deserialize_message(serialize_message(message), type(message))


def test_stamps_keep_their_nanoseconds():
    assert to_ns(to_stamp(1_700_000_000_123_456_789)) == 1_700_000_000_123_456_789


def test_a_sensor_batch_survives_the_wire():
    samples = np.random.default_rng(0).normal(size=(13, 1026)).astype(np.float32)
    message = SensorSamples(rate_hz=650.0, channels=1026, data=floats(samples))
    message.header.stamp = to_stamp(5_000_000_007)
    block, first_ns, period_ns = sensor_block(through_the_wire(message))
    np.testing.assert_array_equal(block, samples)
    assert (first_ns, period_ns) == (5_000_000_007, 1_538_462)


def test_a_wrench_is_one_sample():
    message = WrenchStamped()
    message.wrench.force.z, message.wrench.torque.x = 3.0, 0.5
    block, _, _ = sensor_block(message)
    assert block.tolist() == [[0, 0, 3.0, 0.5, 0, 0]]


@pytest.mark.parametrize(
    "broken", [{"channels": 7}, {"channels": 0}, {"rate_hz": 0.0}, {"rate_hz": float("nan")}]
)
def test_broken_batches_are_refused(broken):
    message = SensorSamples(**{"rate_hz": 650.0, "channels": 5, "data": [0.0] * 10, **broken})
    with pytest.raises(MessageError, match="10 values"):
        sensor_block(message)


def pose(x=0.0, y=0.0, z=0.0, w=1.0):
    message = PoseStamped()
    q = message.pose.orientation
    q.x, q.y, q.z, q.w = x, y, z, w
    message.pose.position.x = 0.25
    return message


def test_a_pose_is_position_and_rotation_vector():
    half = np.sqrt(0.5)
    np.testing.assert_allclose(pose_row(pose())[3:], 0)
    np.testing.assert_allclose(pose_row(pose(z=half, w=half)), [0.25, 0, 0, 0, 0, np.pi / 2])


def test_both_signs_of_a_quaternion_are_the_same_rotation():
    q = np.array([0.1, -0.5, 0.3, 0.8])
    q /= np.linalg.norm(q)
    np.testing.assert_allclose(pose_row(pose(*q)), pose_row(pose(*-q)), atol=1e-7)


def test_a_quaternion_without_direction_is_refused():
    with pytest.raises(MessageError, match="quaternion"):
        pose_row(pose(w=0.0))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_features_survive_the_wire(dtype):
    features = np.random.default_rng(1).normal(size=(5, 256)).astype(dtype)
    message = through_the_wire(VlFeatures(dtype=dtype, shape=[5, 256], data=octets(features)))
    np.testing.assert_array_equal(from_octets(message.data, message.dtype, message.shape), features)


@pytest.mark.parametrize(
    ("dtype", "shape", "words"),
    [("int32", [4], "'int32'"), ("float32", [5], r"\(5,\)"), ("float32", [], r"\(\)")],
)
def test_features_that_contradict_themselves_are_refused(dtype, shape, words):
    with pytest.raises(MessageError, match=words):
        from_octets(octets(np.zeros(4, np.float32)), dtype, shape)
