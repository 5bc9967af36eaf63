"""What sensor and robot messages say, as arrays: of rclpy or read from a bag, both look alike."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import MessageError
from vla_ros.core.time import NS


def to_ns(stamp: Any) -> int:
    """Return a builtin_interfaces/Time as nanoseconds."""
    return int(stamp.sec) * NS + int(stamp.nanosec)


def sensor_block(message: Any) -> tuple[NDArray[np.float32], int, int]:
    """Return (samples (N, C), stamp of the first [ns], period [ns]).

    Args:
        message: a vla_ros/SensorSamples or a geometry_msgs/WrenchStamped.

    Raises:
        MessageError: the data does not fill whole samples, or the rate is not positive.
    """
    if hasattr(message, "wrench"):
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


def pose_row(message: Any) -> NDArray[np.float32]:
    """Return (6,): position [m] and rotation vector [rad] of a geometry_msgs/PoseStamped.

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
