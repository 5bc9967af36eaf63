import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from vla_ros.core.errors import MessageError
from vla_ros.ros.convert import octets
from vla_ros.ros.images import to_rgb

RGB = np.random.default_rng(0).integers(0, 256, (36, 64, 3), np.uint8)


def image(pixels, encoding, step=None):
    height, width = pixels.shape[:2]
    step = step or pixels.nbytes // height
    return Image(height=height, width=width, encoding=encoding, step=step, data=octets(pixels))


def test_rgb_is_not_copied():
    message = image(RGB, "rgb8")
    seen = to_rgb(message)
    np.testing.assert_array_equal(seen, RGB)
    message.data[0] ^= 255
    assert seen[0, 0, 0] == RGB[0, 0, 0] ^ 255


@pytest.mark.parametrize(
    ("pixels", "encoding"),
    [
        (RGB[..., ::-1], "bgr8"),
        (np.dstack([RGB, RGB[..., :1]]), "rgba8"),
        (np.dstack([RGB[..., ::-1], RGB[..., :1]]), "bgra8"),
    ],
)
def test_other_orders_become_rgb(pixels, encoding):
    np.testing.assert_array_equal(to_rgb(image(np.ascontiguousarray(pixels), encoding)), RGB)


def test_mono_becomes_grey():
    grey = to_rgb(image(RGB[..., 0], "mono8"))
    np.testing.assert_array_equal(grey, np.repeat(RGB[..., :1], 3, axis=2))


def test_compressed_images():
    png = cv2.imencode(".png", cv2.cvtColor(RGB, cv2.COLOR_RGB2BGR))[1]
    message = CompressedImage(format="png", data=octets(png))
    np.testing.assert_array_equal(to_rgb(message), RGB)


@pytest.mark.parametrize(
    "message",
    [
        image(RGB, "nonsense"),
        Image(height=36, width=64, step=192, encoding="rgb8", data=octets(RGB[:10])),
        CompressedImage(format="jpeg", data=octets(RGB[:1])),
        CompressedImage(format="jpeg"),
    ],
    ids=["encoding", "truncated", "no jpeg", "empty"],
)
def test_bad_images_are_named(message):
    with pytest.raises(MessageError, match="cannot be read as rgb8|of shape"):
        to_rgb(message)
