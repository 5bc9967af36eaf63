"""Images read from a bag are, bit for bit, what the encoder node makes of the same messages."""

import cv2
import numpy as np
import pytest

from vla_ros.core.errors import MessageError
from vla_ros.data.definitions import typestore
from vla_ros.data.images import to_rgb

RGB = np.random.default_rng(0).integers(0, 256, (36, 64, 3), np.uint8)
IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"


def header():
    types = typestore().types
    stamp = types["builtin_interfaces/msg/Time"](sec=1, nanosec=2)
    return types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera")


def image(pixels, encoding, padding=0):
    rows = np.pad(
        pixels.reshape(len(pixels), int(np.prod(pixels.shape[1:]))), ((0, 0), (0, padding))
    )
    return typestore().types[IMAGE](
        header=header(),
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=rows.shape[1],
        data=rows.ravel(),
    )


def compressed(ending, pixels=RGB):
    data = cv2.imencode(ending, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1]
    return typestore().types[COMPRESSED](header=header(), format=ending[1:], data=data)


FOUR = np.dstack([RGB, RGB[..., :1]])
GREY = np.ascontiguousarray(RGB[..., 0])
PAIRS = np.ascontiguousarray(RGB[..., :2])
CASES = {
    **{name: (image(RGB, name), IMAGE) for name in ("rgb8", "bgr8")},
    **{name: (image(FOUR, name), IMAGE) for name in ("rgba8", "bgra8")},
    **{name: (image(PAIRS, name), IMAGE) for name in ("yuv422", "yuv422_yuy2")},
    **{
        name: (image(GREY, name), IMAGE)
        for name in ("mono8", "bayer_rggb8", "bayer_bggr8", "bayer_gbrg8", "bayer_grbg8")
    },
    "padded rows": (image(RGB, "bgr8", padding=5), IMAGE),
    "jpeg": (compressed(".jpg"), COMPRESSED),
    "png": (compressed(".png"), COMPRESSED),
}


@pytest.mark.parametrize("case", CASES)
def test_they_are_what_the_encoder_node_sees(case):
    from rclpy.serialization import deserialize_message
    from sensor_msgs.msg import CompressedImage, Image

    from vla_ros.ros.images import to_rgb as in_the_node

    message, msgtype = CASES[case]
    kind = {IMAGE: Image, COMPRESSED: CompressedImage}[msgtype]
    received = deserialize_message(bytes(typestore().serialize_cdr(message, msgtype)), kind)
    seen = to_rgb(message)
    assert seen.shape == RGB.shape and seen.dtype == np.uint8
    np.testing.assert_array_equal(seen, in_the_node(received))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (image(RGB, "nonsense"), "encoding 'nonsense'; rgb8, "),
        (image(RGB, "rgba8"), "step 192; whole rows"),
        (image(RGB[:0], "rgb8"), "64 x 0"),
        (typestore().types[COMPRESSED](header(), "jpeg", RGB[:0].ravel()), "and 0 bytes"),
        (typestore().types[COMPRESSED](header(), "jpeg", RGB[0].ravel()), "'jpeg' and 192 bytes"),
    ],
)
def test_bad_ones_are_named(message, said):
    with pytest.raises(MessageError, match=said):
        to_rgb(message)


def test_a_short_one_is_named():
    message = image(RGB, "rgb8")
    message.data = message.data[:100]
    with pytest.raises(MessageError, match="100 bytes"):
        to_rgb(message)
