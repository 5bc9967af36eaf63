"""Image messages on their way to disk: raw pixels as JPEG or PNG."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import MessageError
from vla_ros.data.definitions import typestore
from vla_ros.data.images import to_rgb

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
QUALITY = 90


def is_encodable(data: bytes) -> bool:
    """Return whether a serialised Image has eight bits a colour, which JPEG and PNG can hold."""
    try:
        to_rgb(typestore().deserialize_cdr(data, IMAGE))
    except MessageError:
        return False
    return True


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
    _, content = cv2.imencode(suffix, cv2.cvtColor(to_rgb(message), cv2.COLOR_RGB2BGR), options)
    return np.asarray(content, np.uint8)


def as_jpeg(data: bytes, quality: int = QUALITY) -> bytes:
    """Return a serialised Image as a serialised CompressedImage with the same header.

    Raises:
        MessageError: as `encoded`.
    """
    store = typestore()
    image: Any = store.deserialize_cdr(data, IMAGE)
    compressed = store.types[COMPRESSED](
        header=image.header,
        format=f"{image.encoding}; jpeg compressed bgr8",
        data=encoded(image, ".jpg", quality),
    )
    return bytes(store.serialize_cdr(compressed, COMPRESSED))
