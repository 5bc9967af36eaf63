"""Image messages as arrays."""

import numpy as np
from cv_bridge import CvBridge
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from vla_ros.core.errors import MessageError

_bridge = CvBridge()


def to_rgb(message: Image | CompressedImage) -> NDArray[np.uint8]:
    """Return an image message as rgb8, (H, W, 3); without a copy where it already is.

    Raises:
        MessageError: the image is empty, damaged or of an encoding that has no rgb.
    """
    compressed = isinstance(message, CompressedImage)
    try:
        if compressed:
            image = _bridge.compressed_imgmsg_to_cv2(message, desired_encoding="rgb8")
        else:
            wanted = "passthrough" if message.encoding == "rgb8" else "rgb8"  # that copies nothing
            image = _bridge.imgmsg_to_cv2(message, desired_encoding=wanted)
    except Exception as error:  # CvBridgeError, cv2.error, ValueError: all mean a bad image
        kind = message.format if compressed else message.encoding
        raise MessageError(f"an image of {kind!r} cannot be read as rgb8: {error}") from error
    if image is None or image.ndim != 3 or image.shape[2] != 3:
        raise MessageError(
            f"an image of shape {getattr(image, 'shape', None)}; H x W x 3 is allowed"
        )
    return np.asarray(image, np.uint8)
