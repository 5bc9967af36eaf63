"""What the recorder makes of images, and what it keeps about the run."""

import json

import cv2
import numpy as np
import pytest

from vla_ros.core.errors import MessageError, ParameterError
from vla_ros.data import cdr
from vla_ros.data.bag_images import as_jpeg
from vla_ros.data.bag_metadata import Qos
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.definitions import typestore
from vla_ros.data.recorder import Recorder

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
T0_NS = 1_760_000_000_123_456_789
TOPIC = "/camera_1/image_raw"
# Red grows to the right, green downwards, so that a swap of anything shows.
ROWS, COLUMNS = np.mgrid[0:24, 0:32]
RGB = np.stack([COLUMNS * 8, ROWS * 10, np.full_like(ROWS, 40)], axis=-1).astype(np.uint8)


def message(msgtype, **fields):
    types = typestore().types
    sec, nanosec = divmod(T0_NS, 10**9)
    stamp = types["builtin_interfaces/msg/Time"](sec=sec, nanosec=nanosec)
    header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera_1")
    return bytes(typestore().serialize_cdr(types[msgtype](header=header, **fields), msgtype))


def image(pixels, encoding, padding=0):
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1).view(np.uint8)
    data = np.pad(rows, ((0, 0), (0, padding)))
    fields = {"height": height, "width": width, "encoding": encoding, "is_bigendian": 0}
    return message(IMAGE, **fields, step=data.shape[1], data=data.ravel())


def record(folder, images, **options):
    recorder = Recorder(folder, image_format="jpeg", **options)
    recorder.add_topic(TOPIC, IMAGE, Qos(reliable=False))
    for number, data in enumerate(images):
        recorder.receive(TOPIC, IMAGE, data, T0_NS + number)
    recorder.close()
    return recorder


@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        ("rgb8", RGB),
        ("bgr8", np.ascontiguousarray(RGB[..., ::-1])),
        ("rgba8", np.dstack([RGB, RGB[..., 0]])),
        ("mono8", RGB[..., 0].copy()),
        ("bgra8", np.dstack([RGB[..., ::-1], RGB[..., 0]])),
    ],
)
@pytest.mark.parametrize("padding", [0, 5])
def test_raw_images_are_recorded_as_jpeg(tmp_path, encoding, pixels, padding):
    record(tmp_path, [image(pixels, encoding, padding)])
    with BagReader(tmp_path / "bag") as bag:
        assert bag.topics == {f"{TOPIC}/compressed": COMPRESSED}
        [kept] = bag.messages()
        seen = bag.decode(kept)
    assert cdr.stamp_ns(kept.data) == T0_NS
    assert seen.header.frame_id == "camera_1"
    assert seen.format == f"{encoding}; jpeg compressed bgr8"
    expected = pixels[..., None] if encoding == "mono8" else RGB
    error = np.abs(cv2.imdecode(seen.data, cv2.IMREAD_COLOR_RGB).astype(int) - expected)
    assert error.max() < 30  # colour is halved in a JPEG
    assert error.mean() < 4


def test_quality_decides_on_size(tmp_path):
    good = record(tmp_path / "good", [image(RGB, "rgb8")], jpeg_quality=100).bag.bytes
    poor = record(tmp_path / "poor", [image(RGB, "rgb8")], jpeg_quality=10).bag.bytes
    assert poor < good < RGB.nbytes


def test_what_eight_bits_cannot_hold_stays_raw(tmp_path):
    depth = image(np.full((24, 32), 40_000, np.uint16), "16UC1")
    record(tmp_path, [depth])
    with BagReader(tmp_path / "bag") as bag:
        assert bag.topics == {TOPIC: IMAGE}
        assert [kept.data for kept in bag.messages()] == [depth]


def test_an_image_that_contradicts_itself_costs_only_itself(tmp_path):
    whole = image(RGB, "rgb8")
    lying = message(
        IMAGE, height=24, width=64, encoding="rgb8", is_bigendian=0, step=96, data=RGB.ravel()
    )
    recorder = record(tmp_path, [whole, lying, whole])
    assert (recorder.bag.written, recorder.bag.dropped, recorder.bag.error) == (2, 1, "")
    with pytest.raises(MessageError, match="2304 bytes, 64 x 24 rgb8 with step 96"):
        as_jpeg(lying)


def test_bytes_that_are_no_image_are_kept_as_they_came(tmp_path):
    record(tmp_path, [b"\0\1\0\0"])
    with BagReader(tmp_path / "bag") as bag:
        assert [kept.data for kept in bag.messages()] == [b"\0\1\0\0"]


def test_the_bag_keeps_the_configuration_and_the_checkpoint(tmp_path):
    configuration = {"arguments": {"views": "5"}, "parameters": {"action": {"rate_hz": 10.0}}}
    recorder = Recorder(tmp_path, configuration=json.dumps(configuration))
    recorder.add_topic("/features", "vla_ros/msg/VlFeatures", Qos())
    empty = np.empty(0, np.uint32)
    features = message(
        "vla_ros/msg/VlFeatures",
        **{"sequence": 1, "session": "s", "model_id": "4f1e", "instruction": "go"},
        **{"dtype": "float32", "shape": empty, "data": np.zeros(8, np.uint8)},
        **{"views": [], "view_stamps": [], "view_tokens": empty, "image_grid_thw": empty},
        total_tokens=3,
    )
    recorder.receive("/features", "vla_ros/msg/VlFeatures", features, T0_NS)
    recorder.close()
    assert recorder.model_id == "4f1e"
    assert recorder.configuration == configuration
    with BagReader(tmp_path / "bag") as bag:
        assert json.loads(bag.custom["configuration"]) == configuration
        assert bag.custom["model_id"] == "4f1e"
        assert "vla_ros" in json.loads(bag.custom["versions"])


@pytest.mark.parametrize("text", ["{", "[1]", "views: 5"])
def test_a_configuration_that_is_no_json_object_is_refused(tmp_path, text):
    with pytest.raises(ParameterError, match="configuration is"):
        Recorder(tmp_path, configuration=text)
