"""A large bag of images, and the ways to read it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.highlevel import AnyReader

from vla_ros.core.errors import BagError
from vla_ros.data.bag_images import IMAGE
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.definitions import typestore

# Yields the bytes of each message, or of its image.
Read = Callable[[Path], Iterator[Any]]
_TOPICS = tuple(f"/camera_{number}/image_raw" for number in range(1, 6))
_WIDTH, _HEIGHT, _PERIOD_NS = 640, 360, 20_000_000


def write_images(path: Path, count: int, progress: Callable[[int], None]) -> None:
    """Write a bag of `count` raw images of five cameras.

    Raises:
        BagError: it cannot be written.
    """
    store, noise = typestore(), np.random.default_rng(0)
    pixels = noise.integers(0, 256, _WIDTH * _HEIGHT * 3, np.uint8)
    sizes = {"height": _HEIGHT, "width": _WIDTH, "step": _WIDTH * 3, "is_bigendian": 0}
    with BagWriter(path) as bag:
        for topic in _TOPICS:
            bag.add_topic(topic, IMAGE)
        for number in range(count):
            stamp = store.types["builtin_interfaces/msg/Time"](sec=number, nanosec=0)
            header = store.types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera")
            pixels[:8] = np.frombuffer(number.to_bytes(8, "little"), np.uint8)  # each another
            image = store.types[IMAGE](header=header, encoding="rgb8", data=pixels, **sizes)
            data = bytes(store.serialize_cdr(image, IMAGE))
            topic = _TOPICS[number % len(_TOPICS)]
            bag.write(topic, data, 10**18 + number * _PERIOD_NS, wait=True)
            progress(len(data))
    if bag.error:
        raise BagError(f"{path} cannot be written: {bag.error}")


def ours(path: Path) -> Iterator[bytes]:
    """Read with this package."""
    with BagReader(path) as bag:
        for record in bag.messages():
            yield record.data


def ours_decoded(path: Path) -> Iterator[Any]:
    """Read and decode with this package."""
    with BagReader(path) as bag:
        for record in bag.messages():
            yield bag.decode(record).data


def rosbags(path: Path) -> Iterator[bytes]:
    """Read with rosbags alone."""
    with AnyReader([path]) as reader:
        for _, _, data in reader.messages():
            yield data


def rosbags_decoded(path: Path) -> Iterator[Any]:
    """Read and decode with rosbags alone."""
    with AnyReader([path]) as reader:
        for connection, _, data in reader.messages():
            message: Any = reader.deserialize(data, connection.msgtype)
            yield message.data
