"""Image messages out of a bag as arrays, without ROS."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import MessageError

# As cv_bridge, which the nodes use: an orientation in the file is not followed.
_DECODE = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
# Encoding -> channels of a pixel, and OpenCV's conversion to rgb. OpenCV names a Bayer pattern by
# the second row's second and third pixel, ROS by the first two.
_ENCODINGS = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "bayer_rggb8": (1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": (1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": (1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": (1, cv2.COLOR_BayerGB2RGB),
    "yuv422": (2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": (2, cv2.COLOR_YUV2RGB_YUY2),
}


def to_rgb(message: Any) -> NDArray[np.uint8]:
    """Return a sensor_msgs Image or CompressedImage as rgb8, (H, W, 3).

    Raises:
        MessageError: the image is empty, damaged or of an encoding that is not known.
    """
    data = np.frombuffer(message.data, np.uint8)
    if hasattr(message, "format"):
        image = cv2.imdecode(data, _DECODE) if data.size else None
        if image is None:
            raise MessageError(
                f"a compressed image of format {message.format!r} and {data.size} bytes; one that "
                "OpenCV can decode is allowed"
            )
        return np.asarray(image, np.uint8)
    if message.encoding not in _ENCODINGS:
        raise MessageError(
            f"an image of encoding {message.encoding!r}; {', '.join(_ENCODINGS)} is allowed"
        )
    channels, conversion = _ENCODINGS[message.encoding]
    height, width, step = int(message.height), int(message.width), int(message.step)
    if not height * width or step < width * channels or data.size < height * step:
        raise MessageError(
            f"an image of {data.size} bytes, {width} x {height} {message.encoding} with step "
            f"{step}; whole rows of at least one pixel are allowed"
        )
    rows = data[: height * step].reshape(height, step)[:, : width * channels]
    pixels = np.ascontiguousarray(rows).reshape(height, width, channels)
    return pixels if conversion is None else np.asarray(cv2.cvtColor(pixels, conversion), np.uint8)
