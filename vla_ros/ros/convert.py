"""Between messages and the plain data that the rest of the package works on."""

import array
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.time import Time as RosTime

from vla_ros.core.errors import MessageError
from vla_ros.core.inputs import Snapshot
from vla_ros.core.readings import pose_row as pose_row
from vla_ros.core.readings import sensor_block as sensor_block
from vla_ros.core.readings import to_ns as to_ns
from vla_ros.core.time import Now
from vla_ros.msg import ActionChunk, VlFeatures


def now(node: Node) -> Now:
    """Read the ROS clock and the steady clock together."""
    return Now(node.get_clock().now().nanoseconds, time.monotonic_ns())


def to_stamp(stamp_ns: int) -> Time:
    """Return nanoseconds as a stamp."""
    return RosTime(nanoseconds=stamp_ns).to_msg()


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
        **inputs.ledger(),
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
