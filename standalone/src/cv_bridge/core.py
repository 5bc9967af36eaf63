"""CvBridge."""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np

from .encodings import DEPTHS, Array, CvBridgeError, cvtColor2, getCvType, split


class CvBridge:
    """Converts images; an array has the shape (height, width) or (height, width, channels)."""

    def dtype_with_channels_to_cvtype2(self, dtype: Any, n_channels: int) -> str:
        """Return a generic encoding, such as '8UC3'."""
        name = np.dtype(dtype).name
        for depth, numpy_name in DEPTHS.items():
            if numpy_name == name:
                return f"{depth}C{n_channels}"
        raise CvBridgeError(f"no image can hold '{name}', only {', '.join(DEPTHS.values())}")

    def encoding_to_cvtype2(self, encoding: str) -> int:
        """Return OpenCV's number for an encoding's type."""
        return getCvType(encoding)

    def encoding_to_dtype_with_channels(self, encoding: str) -> tuple[str, int]:
        """Return (numpy type name, channels)."""
        return split(encoding)[1:]

    def imgmsg_to_cv2(self, img_msg: Any, desired_encoding: str = "passthrough") -> Array:
        """Return a sensor_msgs/Image as an array in this machine's byte order.

        With 'passthrough', rows without padding and this byte order, the array is the message's
        own memory; all else is a copy.

        Raises:
            CvBridgeError: the encoding is unknown, has no such conversion, or the data are short.
        """
        name, channels = self.encoding_to_dtype_with_channels(img_msg.encoding)
        dtype = np.dtype(name).newbyteorder(">" if img_msg.is_bigendian else "<")
        data: Any = img_msg.data
        data = np.asarray(data, np.uint8) if isinstance(data, list) else data
        pixel = dtype.itemsize * channels
        height, width, step = img_msg.height, img_msg.width, img_msg.step
        size = memoryview(data).nbytes
        if step < width * pixel or size < height * step:
            raise CvBridgeError(
                f"Image is wrongly formed: [{img_msg.encoding}] {width}x{height} with step {step} "
                f"needs rows of {width * pixel} bytes and {height * step} bytes, got {size}"
            )
        shape: tuple[int, ...] = (height, width, channels)
        strides: tuple[int, ...] = (step, pixel, dtype.itemsize)
        if channels == 1:
            shape, strides = shape[:2], strides[:2]
        image: Array = np.ndarray(shape, dtype, data, strides=strides)
        image = np.ascontiguousarray(image, np.dtype(name))
        if desired_encoding == "passthrough":
            return image
        return cvtColor2(image, img_msg.encoding, desired_encoding)

    def compressed_imgmsg_to_cv2(
        self, cmprs_img_msg: Any, desired_encoding: str = "passthrough"
    ) -> Array:
        """Return a sensor_msgs/CompressedImage as an array, 'bgr8' if it has colours.

        With 'passthrough' nothing is converted, and what cannot be decoded is None.
        """
        image: Any = cv2.imdecode(np.frombuffer(cmprs_img_msg.data, np.uint8), cv2.IMREAD_UNCHANGED)
        if desired_encoding == "passthrough":
            return image  # type: ignore[no-any-return]
        if image is None:
            raise CvBridgeError(f"[{cmprs_img_msg.format}] cannot be decoded")
        return cvtColor2(image, "bgr8", desired_encoding)

    def cv2_to_imgmsg(
        self, cvim: Array, encoding: str = "passthrough", header: Any | None = None
    ) -> Any:
        """Return an array as a sensor_msgs/Image.

        Raises:
            CvBridgeError: the encoding is unknown or is not that of the array's type.
        """
        from sensor_msgs.msg import Image

        _check_array(cvim)
        cv_type = self.dtype_with_channels_to_cvtype2(
            cvim.dtype, 1 if cvim.ndim < 3 else cvim.shape[2]
        )
        if encoding == "passthrough":
            encoding = cv_type
        elif self.encoding_to_dtype_with_channels(encoding) != split(cv_type)[1:]:
            raise CvBridgeError(
                f"encoding specified as {encoding}, but image has incompatible type {cv_type}"
            )
        message = Image(height=cvim.shape[0], width=cvim.shape[1], encoding=encoding)
        if header is not None:
            message.header = header
        order = cvim.dtype.byteorder
        message.is_bigendian = int(order == ">" or (order == "=" and sys.byteorder == "big"))
        message.data.frombytes(np.ascontiguousarray(cvim).reshape(-1).view(np.uint8).data)
        message.step = len(message.data) // message.height
        return message

    def cv2_to_compressed_imgmsg(self, cvim: Array, dst_format: str = "jpg") -> Any:
        """Return an array, 'bgr8' if it has colours, as a sensor_msgs/CompressedImage."""
        from sensor_msgs.msg import CompressedImage

        _check_array(cvim)
        try:
            _, data = cv2.imencode(f".{dst_format}", cvim)
        except cv2.error as error:
            raise CvBridgeError(f"[{dst_format}] cannot be encoded: {error}") from error
        message = CompressedImage(format=dst_format)
        message.data.frombytes(data.data)
        return message


def _check_array(image: object) -> None:
    if not isinstance(image, (np.ndarray, np.generic)):
        raise TypeError("Your input type is not a numpy array")
