"""What a bag source plays, when, and with which stamps."""

from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

from vla_ros.core.errors import BagError, MessageError
from vla_ros.data import cdr, playback
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.definitions import typestore
from vla_ros.data.playback import Audience, Playback, cameras

T0_NS = 1_760_000_000_000_000_000
START_NS = 1_800_000_000_000_000_000
IMAGE = "sensor_msgs/msg/CompressedImage"
STRING = "std_msgs/msg/String"
TOPICS = {
    "/camera_1/image_raw/compressed": IMAGE,
    "/instruction": STRING,
    "/words": STRING,
    "/latency": "vla_ros/msg/StageLatency",
}


def image(stamp_ns):
    types = typestore().types
    sec, nanosec = divmod(stamp_ns, 10**9)
    stamp = types["builtin_interfaces/msg/Time"](sec=sec, nanosec=nanosec)
    header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera_1")
    content = np.arange(5, dtype=np.uint8)
    return bytes(
        typestore().serialize_cdr(types[IMAGE](header=header, format="jpeg", data=content), IMAGE)
    )


def text(content):
    return bytes(typestore().serialize_cdr(typestore().types[STRING](data=content), STRING))


@pytest.fixture
def bag(tmp_path):
    """Return a bag with an instruction, two images captured 20 ms before, and other things."""
    with BagWriter(tmp_path / "bag") as writer:
        for topic, msgtype in TOPICS.items():
            writer.add_topic(topic, msgtype)
        writer.write("/instruction", text("go"), T0_NS)
        writer.write("/words", text("nothing to play"), T0_NS + 1)
        for t_ns in (100_000_000, 200_000_000):
            stamped = image(T0_NS + t_ns - 20_000_000)
            writer.write("/camera_1/image_raw/compressed", stamped, T0_NS + t_ns)
    with BagReader(tmp_path / "bag") as reader:
        yield reader


def test_inputs_are_played_at_their_distances_with_shifted_stamps(bag):
    played = list(Playback(bag).messages(START_NS))
    assert [(due.at_s, due.topic) for due in played] == [
        (0.0, "/instruction"),
        (0.1, "/camera_1/image_raw/compressed"),
        (0.2, "/camera_1/image_raw/compressed"),
    ]
    assert [cdr.stamp_ns(due.data) - START_NS for due in played[1:]] == [80_000_000, 180_000_000]
    message = typestore().deserialize_cdr(played[1].data, IMAGE)
    assert (message.format, message.header.frame_id, list(message.data)) == (
        "jpeg",
        "camera_1",
        [0, 1, 2, 3, 4],
    )


def test_twice_the_rate_halves_times_and_stamps(bag):
    played = list(Playback(bag, rate=2.0).messages(START_NS))
    assert [due.at_s for due in played] == pytest.approx([0.0, 0.05, 0.1])
    assert cdr.stamp_ns(played[2].data) - START_NS == 90_000_000


def test_a_loop_begins_again_with_later_stamps(bag):
    played = list(islice(Playback(bag).forever(START_NS), 6))
    assert [due.at_s for due in played] == pytest.approx([0.0, 0.1, 0.2, 0.2, 0.3, 0.4])
    assert played[4].topic == "/camera_1/image_raw/compressed"  # 0.1 s after the one before
    assert cdr.stamp_ns(played[4].data) - START_NS == 280_000_000


def test_a_time_is_filled_with_as_many_passes_as_it_takes(bag):
    played = list(Playback(bag).messages(START_NS, duration_s=0.45))
    assert [due.at_s for due in played] == pytest.approx([0.0, 0.1, 0.2, 0.2, 0.3, 0.4, 0.4])
    assert [due.at_s for due in Playback(bag).messages(START_NS, duration_s=0.15)] == [0.0, 0.1]


def test_a_single_moment_is_played_again_and_again(tmp_path):
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/instruction", STRING)
        writer.write("/instruction", text("go"), T0_NS)
    with BagReader(tmp_path / "bag") as reader:
        played = list(Playback(reader).messages(START_NS, duration_s=0.25))
    assert [due.at_s for due in played] == pytest.approx([0.0, 0.1, 0.2])


def test_it_plays_from_memory(bag):
    with BagReader(bag.path) as closed_soon:
        playing = Playback(closed_soon)
    assert len(list(playing.messages(START_NS))) == 3
    assert playing.megabytes == pytest.approx((2 * len(image(0)) + len(text("go"))) / 1e6)


def test_more_than_fits_in_memory_is_refused(bag, monkeypatch):
    monkeypatch.setattr(playback.psutil, "virtual_memory", lambda: SimpleNamespace(available=50))
    with pytest.raises(BagError, match="memory that is free"):
        Playback(bag)


def test_a_camera_can_be_played_evenly_at_another_rate(bag):
    played = list(Playback(bag, camera_rate_hz=20.0).messages(START_NS))
    assert [(round(due.at_s, 6), due.topic.split("/")[1]) for due in played] == [
        (0.0, "instruction"),
        *((round(0.05 * n, 6), "camera_1") for n in range(5)),
    ]
    stamps_ns = [cdr.stamp_ns(due.data) - START_NS for due in played[1:]]
    assert stamps_ns == [n * 50_000_000 for n in range(5)]


def test_cameras_are_named_by_what_tells_them_apart():
    kinds = {
        "/camera_10/image_raw": "sensor_msgs/msg/Image",
        "/camera_2/image_raw/compressed": IMAGE,
        "/camera_2/image_raw": "sensor_msgs/msg/Image",
        "/lab/left/color/image_raw/compressed": IMAGE,
        "/other/left/image_rect": "sensor_msgs/msg/Image",
        "/image_raw": "sensor_msgs/msg/Image",
        "/camera_2/camera_info": "sensor_msgs/msg/CameraInfo",
    }
    assert cameras(kinds) == {
        "camera": "/image_raw",
        "camera_2": "/camera_2/image_raw",
        "camera_10": "/camera_10/image_raw",
        "lab_left_color_image_raw": "/lab/left/color/image_raw/compressed",
        "left": "/other/left/image_rect",
    }


def test_topics_can_be_chosen_and_a_missing_one_is_named(bag):
    assert list(Playback(bag, ["/instruction"]).topics) == ["/instruction"]
    with pytest.raises(BagError, match="lacks /camera_9"):
        Playback(bag, ["/camera_9"])


def test_a_bag_without_inputs_says_how_to_record_them(tmp_path):
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/words", STRING)
        writer.write("/words", text("x"), T0_NS)
    with BagReader(tmp_path / "bag") as reader, pytest.raises(BagError, match="record_inputs"):
        Playback(reader)


def test_stamps_are_read_and_set_in_both_byte_orders():
    little = image(T0_NS + 7)
    big = b"\0\0\0\0" + (5).to_bytes(4, "big") + (6).to_bytes(4, "big") + b"rest"
    assert cdr.stamp_ns(little) == T0_NS + 7
    assert cdr.stamp_ns(big) == 5_000_000_006
    assert cdr.stamp_ns(cdr.with_stamp(big, START_NS)) == START_NS
    assert cdr.with_stamp(little, START_NS)[12:] == little[12:]
    with pytest.raises(MessageError, match="8 bytes"):
        cdr.stamp_ns(little[:8])


def test_types_with_and_without_a_header_are_told_apart():
    assert cdr.has_header(IMAGE)
    assert cdr.has_header("vla_ros/msg/SensorSamples")
    assert not cdr.has_header(STRING)


def test_the_play_begins_when_the_encoder_has_come_and_nobody_else_comes():
    audience = Audience({"/camera_1": IMAGE, "/sensor": "vla_ros/msg/SensorSamples"}, 2.0)
    assert not audience.is_seated({"/camera_1": 0, "/sensor": 1}, 10.0)
    assert not audience.is_seated({"/camera_1": 0, "/sensor": 1}, 99.0)
    assert not audience.is_seated({"/camera_1": 1, "/sensor": 1}, 100.0)
    assert not audience.is_seated({"/camera_1": 1, "/sensor": 2}, 101.5)
    assert not audience.is_seated({"/camera_1": 1, "/sensor": 2}, 103.4)
    assert audience.is_seated({"/camera_1": 1, "/sensor": 2}, 103.5)


def test_the_play_waits_for_a_listener_of_each_topic_that_is_used():
    topics = {"/camera_1": IMAGE, "/camera_2": IMAGE, "/sensor": "vla_ros/msg/SensorSamples"}
    audience = Audience(topics, 1.0, ["camera_1", "/sensor", "ee_pose"])
    assert not audience.is_seated({"/camera_1": 1, "/sensor": 0}, 0.0)
    assert not audience.is_seated({"/camera_1": 1, "/sensor": 0}, 50.0)
    assert not audience.is_seated({"/camera_1": 1, "/sensor": 1}, 51.0)
    assert audience.is_seated({"/camera_1": 1, "/sensor": 1}, 52.0)
