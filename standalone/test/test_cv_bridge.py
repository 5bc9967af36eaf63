import array
import sys

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

import cv_bridge
from cv_bridge import CvBridge, CvBridgeError

REAL = not hasattr(cv_bridge, "left_out")
BRIDGE = CvBridge()
TYPES = {
    "8U": "uint8",
    "8S": "int8",
    "16U": "uint16",
    "16S": "int16",
    "32S": "int32",
    "32F": "float32",
    "64F": "float64",
}
NATIVE = 0 if sys.byteorder == "little" else 1


def message(image, encoding, padding=0, big=False):
    """An image message with `padding` bytes at the end of each row."""
    image = image.astype(image.dtype.newbyteorder(">" if big else "<"))
    rows = image.reshape(image.shape[0], -1).view(np.uint8)
    rows = np.hstack([rows, np.full((len(rows), padding), 77, np.uint8)])
    return Image(
        height=image.shape[0],
        width=image.shape[1],
        encoding=encoding,
        is_bigendian=int(big),
        step=rows.shape[1],
        data=array.array("B", rows.tobytes()),
    )


def sample(dtype, *shape):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@pytest.mark.parametrize("depth", TYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_generic_encodings_there_and_back(depth, channels):
    image = sample(TYPES[depth], 4, 6, channels)
    image = image[..., 0] if channels == 1 else image
    made = BRIDGE.cv2_to_imgmsg(image)
    assert made.encoding == f"{depth}C{channels}"
    assert (made.height, made.width, made.step) == (4, 6, 6 * channels * image.itemsize)
    assert made.is_bigendian == NATIVE
    back = BRIDGE.imgmsg_to_cv2(made)
    assert back.dtype == image.dtype and np.array_equal(back, image)


@pytest.mark.parametrize(
    "encoding, dtype, channels",
    [
        ("mono8", "uint8", 1),
        ("bgr8", "uint8", 3),
        ("rgba8", "uint8", 4),
        ("mono16", "uint16", 1),
        ("rgb16", "uint16", 3),
        ("bgra16", "uint16", 4),
        ("bayer_rggb8", "uint8", 1),
        ("bayer_grbg16", "uint16", 1),
        ("yuv422", "uint8", 2),
        ("yuv422_yuy2", "uint8", 2),
        ("32FC1", "float32", 1),
        ("32F", "float32", 1),
        ("16UC7", "uint16", 7),
    ],
)
def test_types_of_encodings(encoding, dtype, channels):
    assert BRIDGE.encoding_to_dtype_with_channels(encoding) == (dtype, channels)


def test_passthrough_is_the_message_s_own_memory():
    made = message(sample("uint8", 4, 6, 3), "bgr8")
    image = BRIDGE.imgmsg_to_cv2(made)
    made.data[0] = 200
    assert image[0, 0, 0] == 200


def test_a_conversion_is_a_copy():
    made = message(sample("uint8", 4, 6, 3), "bgr8")
    image = BRIDGE.imgmsg_to_cv2(made, "bgr8")
    made.data[0] = 200
    assert image[0, 0, 0] == 0


@pytest.mark.parametrize("padding", [0, 12])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("dtype, channels", [("uint8", 1), ("uint16", 3), ("float32", 1)])
def test_padded_rows_and_either_byte_order(padding, big, dtype, channels):
    image = sample(dtype, 4, 6, channels)
    image = image[..., 0] if channels == 1 else image
    depth = BRIDGE.dtype_with_channels_to_cvtype2(image.dtype, channels)
    read = BRIDGE.imgmsg_to_cv2(message(image, depth, padding, big))
    assert np.array_equal(read, image) and read.flags.c_contiguous


@pytest.mark.skipif(REAL, reason="Jazzy's takes rows for whole numbers of pixels")
def test_padding_that_holds_no_whole_pixels():
    image = sample("uint16", 4, 6, 3)
    assert np.array_equal(BRIDGE.imgmsg_to_cv2(message(image, "16UC3", padding=8)), image)


@pytest.mark.parametrize(
    "source, target, code",
    [
        ("rgb8", "bgr8", cv2.COLOR_RGB2BGR),
        ("bgr8", "mono8", cv2.COLOR_BGR2GRAY),
        ("rgba8", "bgr8", cv2.COLOR_RGBA2BGR),
        ("bgra8", "rgba8", cv2.COLOR_BGRA2RGBA),
        ("mono8", "rgb8", cv2.COLOR_GRAY2RGB),
        ("rgb16", "bgra16", cv2.COLOR_RGB2BGRA),
        ("yuv422", "bgr8", cv2.COLOR_YUV2BGR_UYVY),
        ("yuv422_yuy2", "mono8", cv2.COLOR_YUV2GRAY_YUY2),
        ("bayer_rggb8", "rgb8", cv2.COLOR_BayerBG2RGB),
        ("bayer_bggr8", "bgr8", cv2.COLOR_BayerRG2BGR),
        ("bayer_gbrg16", "bgr16", cv2.COLOR_BayerGR2BGR),
        ("bayer_grbg8", "mono8", cv2.COLOR_BayerGB2GRAY),
    ],
)
def test_colours(source, target, code):
    dtype, channels = BRIDGE.encoding_to_dtype_with_channels(source)
    image = (sample(dtype, 6, 8, channels) * 5 % 251).astype(dtype)
    image = image[..., 0] if channels == 1 else image
    converted = BRIDGE.imgmsg_to_cv2(message(image, source), target)
    assert np.array_equal(converted, cv2.cvtColor(image, code))


def test_depths_are_scaled_between_8_and_16_bits_and_cut_otherwise():
    eight = np.array([[0, 1, 128, 255]], np.uint8)
    sixteen = BRIDGE.imgmsg_to_cv2(message(eight, "mono8"), "mono16")
    assert sixteen.tolist() == [[0, 257, 128 * 257, 65535]] and sixteen.dtype == np.uint16
    back = BRIDGE.imgmsg_to_cv2(message(sixteen, "mono16"), "mono8")
    assert back.tolist() == eight.tolist() and back.dtype == np.uint8
    colour = BRIDGE.imgmsg_to_cv2(message(sixteen, "mono16"), "rgb8")
    assert colour[0, :, 1].tolist() == eight[0].tolist()
    floats = np.array([[-1.0, 0.4, 1.5, 2.5, 300.0]], np.float32)
    cut = BRIDGE.imgmsg_to_cv2(message(floats, "32FC1"), "8UC1")
    assert cut.tolist() == [[0, 0, 2, 2, 255]]


@pytest.mark.parametrize(
    "source, target",
    [
        ("32FC1", "bgr8"),
        ("bgr8", "32FC1"),
        ("8UC3", "8UC1"),
        ("bgr8", "yuv422"),
        ("bayer_rggb8", "bayer_rggb16"),
        ("bgr8", "no_encoding"),
        ("no_encoding", "bgr8"),
    ],
)
def test_what_cannot_be_converted_is_named(source, target):
    try:
        dtype, channels = BRIDGE.encoding_to_dtype_with_channels(source)
    except CvBridgeError:
        dtype, channels = "uint8", 3
    image = sample(dtype, 4, 6, channels)
    with pytest.raises(CvBridgeError, match="no_encoding" if "no_" in source + target else source):
        BRIDGE.imgmsg_to_cv2(message(image, source), target)


def test_short_data_are_refused():
    made = message(sample("uint8", 4, 6, 3), "bgr8")
    made.height = 5
    with pytest.raises(TypeError):
        BRIDGE.imgmsg_to_cv2(made)


def test_encodings_must_fit_the_array():
    image = sample("uint8", 4, 6, 3)
    header = Header(frame_id="camera")
    made = BRIDGE.cv2_to_imgmsg(image[:, ::2], "rgb8", header)
    assert (made.encoding, made.step, made.header.frame_id) == ("rgb8", 9, "camera")
    assert bytes(made.data) == image[:, ::2].tobytes()
    with pytest.raises(CvBridgeError, match="mono8.*8UC3"):
        BRIDGE.cv2_to_imgmsg(image, "mono8")
    with pytest.raises(TypeError):
        BRIDGE.cv2_to_imgmsg([[1]])


def test_big_endian_arrays():
    image = sample(">u2", 4, 6)
    made = BRIDGE.cv2_to_imgmsg(image)
    assert made.is_bigendian
    assert np.array_equal(BRIDGE.imgmsg_to_cv2(made), image)


@pytest.mark.parametrize("extension", ["png", "bmp"])
def test_compressed_there_and_back(extension):
    image = sample("uint8", 8, 8, 3)
    made = BRIDGE.cv2_to_compressed_imgmsg(image, extension)
    assert made.format == extension
    assert np.array_equal(BRIDGE.compressed_imgmsg_to_cv2(made), image)
    assert np.array_equal(BRIDGE.compressed_imgmsg_to_cv2(made, "rgb8"), image[..., ::-1])


def test_compressed_jpeg_and_16_bits():
    assert BRIDGE.cv2_to_compressed_imgmsg(sample("uint8", 8, 8, 3)).format == "jpg"
    deep = sample("uint16", 8, 8)
    made = BRIDGE.cv2_to_compressed_imgmsg(deep, "png")
    assert np.array_equal(BRIDGE.compressed_imgmsg_to_cv2(made), deep)


def test_what_cannot_be_decoded():
    broken = CompressedImage(format="jpg", data=array.array("B", b"no image"))
    assert BRIDGE.compressed_imgmsg_to_cv2(broken) is None
    with pytest.raises(CvBridgeError):
        BRIDGE.compressed_imgmsg_to_cv2(broken, "rgb8")
