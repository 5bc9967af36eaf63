"""Between messages and the plain data that the rest of the package works on."""

import array
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped, WrenchStamped
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.time import Time as RosTime

from vla_ros.core.errors import MessageError
from vla_ros.core.inputs import Snapshot
from vla_ros.core.time import NS, Now
from vla_ros.msg import ActionChunk, SensorSamples, VlFeatures


def now(node: Node) -> Now:
    """Read the ROS clock and the steady clock together."""
    return Now(node.get_clock().now().nanoseconds, time.monotonic_ns())


def to_ns(stamp: Time) -> int:
    """Return a stamp as nanoseconds."""
    return int(stamp.sec) * NS + int(stamp.nanosec)


def to_stamp(stamp_ns: int) -> Time:
    """Return nanoseconds as a stamp."""
    return RosTime(nanoseconds=stamp_ns).to_msg()


def sensor_block(message: SensorSamples | WrenchStamped) -> tuple[NDArray[np.float32], int, int]:
    """Return (samples (N, C), stamp of the first [ns], period [ns]).

    Raises:
        MessageError: the data does not fill whole samples, or the rate is not positive.
    """
    if isinstance(message, WrenchStamped):
        force, torque = message.wrench.force, message.wrench.torque
        sample = [force.x, force.y, force.z, torque.x, torque.y, torque.z]
        return np.array([sample], np.float32), to_ns(message.header.stamp), 1
    data = np.frombuffer(message.data, np.float32)
    if message.channels == 0 or data.size % message.channels or not message.rate_hz > 0:
        raise MessageError(
            f"sensor batch: {data.size} values, {message.channels} channels, {message.rate_hz} Hz; "
            "whole samples at a positive rate are allowed"
        )
    block = data.reshape(-1, message.channels)
    return block, to_ns(message.header.stamp), round(NS / message.rate_hz)


def pose_row(message: PoseStamped) -> NDArray[np.float32]:
    """Return (6,): position [m] and rotation vector [rad] of a pose.

    Raises:
        MessageError: the quaternion has no direction.
    """
    p, q = message.pose.position, message.pose.orientation
    vector = np.array([q.x, q.y, q.z])
    length = float(np.hypot(np.linalg.norm(vector), q.w))
    if not length > 1e-6:
        raise MessageError(f"quaternion ({q.x}, {q.y}, {q.z}, {q.w}); a unit one is allowed")
    sine = float(np.linalg.norm(vector)) / length
    # The shorter way round: q and -q are the same rotation.
    angle = 2.0 * np.arctan2(sine, abs(q.w) / length)
    axis = vector / (sine * length) * (1.0 if q.w >= 0 else -1.0) if sine > 1e-9 else vector
    return np.array([p.x, p.y, p.z, *(axis * angle)], np.float32)


def features_message(
    views: Sequence[str],
    data: NDArray[Any],
    stamps_ns: Sequence[int],
    view_tokens: NDArray[Any],
    image_grid_thw: NDArray[Any],
) -> VlFeatures:
    """Return the message of features of any shape, with the proof that the images were seen.

    Args:
        views: camera names (V,).
        data: the features.
        stamps_ns: capture time of the image that each view's part shows (V,) [ns].
        view_tokens: image tokens of each view (V,).
        image_grid_thw: patches of each view (V, 3).
    """
    message = VlFeatures(
        dtype=str(data.dtype),
        shape=list(data.shape),
        data=octets(data),
        views=list(views),
        view_stamps=[to_stamp(stamp_ns) for stamp_ns in stamps_ns],
        view_tokens=[int(tokens) for tokens in view_tokens],
        image_grid_thw=[int(size) for size in np.ravel(image_grid_thw)],
    )
    message.header.stamp = to_stamp(min(stamps_ns))
    return message


def chunk_message(inputs: Snapshot, chunk: NDArray[np.float32], dt_s: float) -> ActionChunk:
    """Return a chunk's message, (horizon, dim), with the ledger of what it was computed from."""
    return ActionChunk(
        horizon=chunk.shape[0],
        dim=chunk.shape[1],
        dt_s=dt_s,
        data=floats(chunk),
        features_session=inputs.features.session,
        features_sequence=inputs.features.sequence,
        features_age_s=inputs.features_age_s,
        views=list(inputs.features.views),
        view_age_s=list(inputs.view_ages_s),
        view_skew_s=list(inputs.features.skews_s()),
        sensor_age_s=inputs.sensor_age.age_s,
        sensor_gap_s=inputs.sensor_age.gap_s,
        sensor_samples=inputs.sensor_age.samples,
        state_age_s=inputs.state_age.age_s,
        state_gap_s=inputs.state_age.gap_s,
        state_samples=inputs.state_age.samples,
    )


def floats(values: NDArray[Any]) -> "array.array[float]":
    """Return float32 values for a message; a numpy array would be checked element by element."""
    filled = array.array("f")
    filled.frombytes(np.ascontiguousarray(values, np.float32).tobytes())
    return filled


def octets(values: NDArray[Any]) -> "array.array[int]":
    """Return the bytes of an array for a message, little-endian."""
    filled = array.array("B")
    filled.frombytes(np.ascontiguousarray(values).tobytes())
    return filled


def from_octets(data: Sequence[int], dtype: str, shape: Sequence[int]) -> NDArray[Any]:
    """Return the array that `octets` packed.

    Raises:
        MessageError: the dtype is not allowed or the bytes do not fill the shape.
    """
    allowed = ("float32", "float16")
    if dtype not in allowed:
        raise MessageError(f"features of dtype {dtype!r}; allowed: {', '.join(allowed)}")
    values = np.frombuffer(memoryview(data), np.dtype(dtype))  # type: ignore[arg-type]
    if values.size != np.prod(shape, dtype=np.int64) or not values.size:
        raise MessageError(f"{values.size} feature values do not fill the shape {tuple(shape)}")
    return values.reshape(tuple(shape))
