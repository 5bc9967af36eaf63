"""Image messages on their way to disk: raw pixels as JPEG or PNG."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import MessageError
from vla_ros.data.definitions import typestore

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
QUALITY = 90
# Encoding -> channels, and how it becomes what OpenCV stores. Others (depth, Bayer, YUV) would not
# survive eight bits of three colours.
_ENCODINGS: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, cv2.COLOR_RGB2BGR),
    "bgr8": (3, None),
    "rgba8": (4, cv2.COLOR_RGBA2BGR),
    "bgra8": (4, cv2.COLOR_BGRA2BGR),
    "mono8": (1, None),
}


def is_encodable(data: bytes) -> bool:
    """Return whether a serialised Image has an encoding that JPEG and PNG can hold."""
    image: Any = typestore().deserialize_cdr(data, IMAGE)
    return image.encoding in _ENCODINGS


def encoded(message: Any, suffix: str, quality: int = QUALITY) -> NDArray[np.uint8]:
    """Return the bytes of an image file.

    Args:
        message: an Image.
        suffix: `.jpg` or `.png`.
        quality: of a JPEG, 1 to 100.

    Raises:
        MessageError: the encoding is not allowed, or the data does not fill the image.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
    done, content = cv2.imencode(suffix, _pixels(message), options)
    if not done:
        raise MessageError(f"an image of {message.width} x {message.height} cannot be encoded")
    return np.asarray(content, np.uint8)


def as_jpeg(data: bytes, quality: int = QUALITY) -> bytes:
    """Return a serialised Image as a serialised CompressedImage with the same header.

    Raises:
        MessageError: as `encoded`.
    """
    store = typestore()
    image: Any = store.deserialize_cdr(data, IMAGE)
    colors = "mono8" if image.encoding == "mono8" else "bgr8"
    compressed = store.types[COMPRESSED](
        header=image.header,
        format=f"{image.encoding}; jpeg compressed {colors}",
        data=encoded(image, ".jpg", quality),
    )
    return bytes(store.serialize_cdr(compressed, COMPRESSED))


def _pixels(image: Any) -> NDArray[np.uint8]:
    """Return (H, W, 3) in the order blue, green, red, or (H, W)."""
    if image.encoding not in _ENCODINGS:
        raise MessageError(
            f"an image of encoding {image.encoding!r}; allowed: {', '.join(_ENCODINGS)}"
        )
    channels, conversion = _ENCODINGS[image.encoding]
    row_bytes = image.width * channels
    if not image.width or image.step < row_bytes or len(image.data) != image.height * image.step:
        raise MessageError(
            f"an image of {image.width} x {image.height} {image.encoding}, {image.step} bytes a "
            f"row, has {len(image.data)} bytes"
        )
    rows = np.asarray(image.data, np.uint8).reshape(image.height, image.step)[:, :row_bytes]
    pixels = np.ascontiguousarray(rows).reshape(image.height, image.width, -1)
    return np.asarray(pixels if conversion is None else cv2.cvtColor(pixels, conversion), np.uint8)
