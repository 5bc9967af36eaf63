"""The encodings of sensor_msgs/image_encodings.hpp, and the conversions between them."""

from __future__ import annotations

import re
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

DEPTHS = {
    "8U": "uint8",
    "8S": "int8",
    "16U": "uint16",
    "16S": "int16",
    "32S": "int32",
    "32F": "float32",
    "64F": "float64",
}

_CHANNELS = {"mono": 1, "bgr": 3, "rgb": 3, "bgra": 4, "rgba": 4}
_YUV = {"yuv422": "UYVY", "uyvy": "UYVY", "yuv422_yuy2": "YUY2", "yuyv": "YUY2"}
# OpenCV names a Bayer pattern by the second row's second and third pixel, ROS by the first two.
_BAYER = {"bayer_rggb": "BG", "bayer_bggr": "RG", "bayer_gbrg": "GR", "bayer_grbg": "GB"}


class CvBridgeError(TypeError):
    """An image's encoding is unknown, does not fit its data, or cannot be converted."""


def split(encoding: str) -> tuple[str | None, str, int]:
    """Return (colour, numpy type name, channels); the colour is None for a generic encoding.

    Raises:
        CvBridgeError: there is no such encoding.
    """
    if encoding in _YUV:
        return _YUV[encoding], "uint8", 2
    if found := re.fullmatch(f"({'|'.join([*_CHANNELS, *_BAYER])})(8|16)", encoding):
        return found[1], f"uint{found[2]}", _CHANNELS.get(found[1], 1)
    if found := re.fullmatch(r"(8U|8S|16U|16S|32S|32F|64F)(?:C([0-9]+))?", encoding):
        return None, DEPTHS[found[1]], int(found[2] or 1)
    raise CvBridgeError(f"Unrecognized image encoding [{encoding}]")


def getCvType(encoding: str) -> int:  # noqa: N802
    """Return OpenCV's number for an encoding's type, such as cv2.CV_8UC3."""
    _, dtype, channels = split(encoding)
    depth = next(name for name, numpy_name in DEPTHS.items() if numpy_name == dtype)
    return int(cv2.CV_MAKETYPE(getattr(cv2, f"CV_{depth}"), channels))


def _colour_code(source: str, target: str) -> int:
    """Return OpenCV's conversion code; AttributeError where OpenCV has none."""
    names = {"mono": "GRAY"}
    to = names.get(target, target.upper())
    if source in _YUV.values():
        name = f"YUV2{to}_{source}"
    elif source in _BAYER:
        if target.endswith("a"):
            raise AttributeError(target)  # OpenCV could, cv_bridge does not
        name = f"Bayer{_BAYER[source]}2{to}"
    else:
        name = f"{names.get(source, source.upper())}2{to}"
    code: int = getattr(cv2, f"COLOR_{name}")
    return code


def _to_depth(image: Array, dtype: str) -> Array:
    """Return `image` in another depth: 8 and 16 bits are scaled, all else is rounded and cut."""
    bits = {1: 255.0, 2: 65535.0}
    target = np.dtype(dtype)
    if target == image.dtype:
        return image
    values: Array = image.astype(np.float64)
    if {image.dtype.itemsize, target.itemsize} == {1, 2}:
        values *= bits[target.itemsize] / bits[image.dtype.itemsize]
    if target.kind in "iu":
        limits = np.iinfo(target)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return values.astype(target)


def cvtColor2(image: Array, encoding_in: str, encoding_out: str) -> Array:  # noqa: N802
    """Return a new array with the image in another encoding.

    Raises:
        CvBridgeError: there is no such conversion; the text names both encodings.
    """
    if encoding_out in ("", encoding_in):
        return image.copy()
    source, _, channels_in = split(encoding_in)
    target, dtype, channels_out = split(encoding_out)
    if source is None and target is not None:
        raise CvBridgeError(
            f"[{encoding_in}] is not a color format. but [{encoding_out}] is. "
            "The conversion does not make sense"
        )
    if target is None and channels_in != channels_out:
        what = "is a color format but" if source else "and"
        raise CvBridgeError(
            f"[{encoding_in}] {what} [{encoding_out}] do not have the same number of channels"
        )
    if source and target and (source != target or source in (*_BAYER, "YUY2")):
        image = _convert_colour(image, (encoding_in, source), (encoding_out, target))
    result = _to_depth(image, dtype)
    return result.copy() if result is image else result


def _convert_colour(image: Array, source: tuple[str, str], target: tuple[str, str]) -> Array:
    try:
        return np.asarray(cv2.cvtColor(image, _colour_code(source[1], target[1])))
    except AttributeError as error:
        message = f"Unsupported conversion from [{source[0]}] to [{target[0]}]"
        raise CvBridgeError(message) from error
    except cv2.error as error:
        raise CvBridgeError(f"[{source[0]}] to [{target[0]}]: {error}") from error
