"""Bags, written and read back: whole, split, cut off, on a full disk."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml
from rosbags.highlevel import AnyReader

from vla_ros.core.errors import BagError
from vla_ros.data.bag_metadata import Qos
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.definitions import definition, typestore

STRING = "std_msgs/msg/String"
T0_NS = 1_760_000_000_000_000_000
ROOT = Path(__file__).parents[2]


def text(content):
    return bytes(typestore().serialize_cdr(typestore().types[STRING](data=content), STRING))


def write_texts(path, contents, **options):
    with BagWriter(path, **options) as bag:
        bag.add_topic("/words", STRING, Qos(latched=True))
        for number, content in enumerate(contents):
            bag.write("/words", text(content), T0_NS + number)
    return bag


def texts(bag):
    return [bag.decode(record).data for record in bag.messages()]


def filled(msgtype):
    """Return a message with something in every field, however deep."""
    store = typestore()
    values = {}
    for name, (kind, detail) in store.fielddefs[msgtype][1]:
        values[name] = _value(kind.name, detail)
    return store.types[msgtype](**values)


def _value(kind, detail):
    if kind == "BASE":
        return _scalar(detail[0])
    if kind == "NAME":
        return filled(detail)
    (element, inner), length = detail
    count = length if kind == "ARRAY" else 3
    if element.name == "BASE" and inner[0] != "string":
        return np.arange(1, count + 1).astype(inner[0])
    return [_value(element.name, inner) for _ in range(count)]


def _scalar(name):
    if name == "string":
        return "blue point"
    return {"bool": True}.get(name, 1.5 if name.startswith("float") else 1)


TYPES = [
    *(f"vla_ros/msg/{path.stem}" for path in sorted(ROOT.glob("msg/*.msg"))),
    "sensor_msgs/msg/Image",
    "sensor_msgs/msg/CompressedImage",
    "sensor_msgs/msg/CameraInfo",
    "sensor_msgs/msg/JointState",
    "geometry_msgs/msg/PoseStamped",
    "geometry_msgs/msg/WrenchStamped",
    "geometry_msgs/msg/TwistStamped",
    "trajectory_msgs/msg/JointTrajectory",
    "std_msgs/msg/Float64MultiArray",
    "std_msgs/msg/Float64",
    "std_msgs/msg/String",
    "diagnostic_msgs/msg/DiagnosticArray",
]


def test_every_type_survives_and_anybody_can_read_it(tmp_path):
    """Read with rosbags alone, which knows our messages from the bag only."""
    sent = {}
    with BagWriter(tmp_path / "bag") as bag:
        for number, msgtype in enumerate(TYPES):
            topic = "/" + msgtype.rpartition("/")[2]
            sent[topic] = bytes(typestore().serialize_cdr(filled(msgtype), msgtype))
            bag.add_topic(topic, msgtype, Qos(reliable=number % 2 == 0))
            bag.write(topic, sent[topic], T0_NS + number)
    with AnyReader([tmp_path / "bag"]) as reader:
        got = {}
        for connection, stamp_ns, data in reader.messages():
            message = reader.deserialize(data, connection.msgtype)
            again = reader.typestore.serialize_cdr(message, connection.msgtype)
            got[connection.topic] = bytes(again)
            assert connection.digest == definition(connection.msgtype)[1]
            assert TYPES[stamp_ns - T0_NS] == connection.msgtype
    assert got == sent


def test_the_definition_of_our_messages_carries_their_constants_and_parts():
    words, digest = definition("vla_ros/msg/ActionChunk")
    assert "HOLD=3" in words
    assert "MSG: std_msgs/Header" in words
    assert digest.startswith("RIHS01_")


def test_an_unknown_type_is_refused_by_name(tmp_path):
    with BagWriter(tmp_path / "bag") as bag, pytest.raises(BagError, match="other/msg/Thing"):
        bag.add_topic("/thing", "other/msg/Thing")


def test_files_are_split_by_size_and_listed(tmp_path):
    words = [f"{number} " * 20 for number in range(60)]
    bag = write_texts(tmp_path / "bag", words, split_bytes=1000, custom={"versions": "1"})
    listed = yaml.safe_load((tmp_path / "bag" / "metadata.yaml").read_text())
    information = listed["rosbag2_bagfile_information"]
    names = information["relative_file_paths"]
    assert len(names) > 2
    assert names == [f"bag_{number}.mcap" for number in range(len(names))]
    assert sorted(p.name for p in tmp_path.glob("bag/*")) == sorted([*names, "metadata.yaml"])
    assert information["message_count"] == 60 == bag.written
    assert information["duration"]["nanoseconds"] == 59
    [topic] = information["topics_with_message_count"]
    assert topic["topic_metadata"]["offered_qos_profiles"][0]["durability"] == "transient_local"
    with BagReader(tmp_path / "bag") as reader:
        assert texts(reader) == words
        assert reader.counts == {"/words": 60}
        assert reader.custom["versions"] == "1"
        assert reader.note == ""


def test_a_bag_that_was_closed_is_not_touched(tmp_path):
    write_texts(tmp_path / "bag", ["a"])
    with pytest.raises(BagError, match="exists already"):
        BagWriter(tmp_path / "bag")


KILLED = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {test!r})
from test_bag import *
bag = BagWriter(Path({path!r}), split_bytes=4000)
bag.add_topic("/words", STRING)
for number in range(300):
    bag.write("/words", text(f"word {{number}}"), T0_NS + number)
while bag.written < 300:
    time.sleep(0.01)
time.sleep(0.6)  # one flush later
bag.write("/words", text("too late"), T0_NS + 300)
print("ready", flush=True)
signal.pause()
"""


@pytest.fixture
def killed_bag(tmp_path):
    """Return a bag whose writer was killed half a second after it had written 300 words."""
    script = KILLED.format(test=str(Path(__file__).parent), path=str(tmp_path / "bag"))
    writer = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert writer.stdout.readline() == "ready\n"
    writer.send_signal(signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    return tmp_path / "bag"


def test_what_was_written_before_a_kill_is_read(killed_bag):
    with BagReader(killed_bag) as reader:
        assert texts(reader)[:300] == [f"word {number}" for number in range(300)]
        assert reader.topics == {"/words": STRING}
        assert "breaks off" in reader.note


def test_a_killed_bag_is_continued_in_a_new_file(killed_bag):
    (killed_bag / "bag_2.mcap").touch()  # made, but not listed yet when the kill came
    before = sorted(path.name for path in killed_bag.glob("*.mcap"))
    bag = write_texts(killed_bag, ["again"])
    assert bag.continued
    assert len(list(killed_bag.glob("*.mcap"))) == len(before) + 1
    with BagReader(killed_bag) as reader:
        assert texts(reader)[-1] == "again"
        assert texts(reader)[299] == "word 299"


def test_a_bag_without_its_metadata_is_read(killed_bag):
    (killed_bag / "metadata.yaml").unlink()
    with BagReader(killed_bag) as reader:
        assert len(texts(reader)) >= 300


def test_a_damaged_chunk_is_left_out_and_the_rest_is_read(tmp_path):
    bag = BagWriter(tmp_path / "bag", split_bytes=2**30)
    bag.add_topic("/words", STRING)
    for number in range(3):  # each larger than a chunk
        bag.write("/words", text(f"{number}" * (2 << 20)), T0_NS + number)
    bag.close()
    file = tmp_path / "bag" / "bag_0.mcap"
    content = bytearray(file.read_bytes())
    at = content.index(b"1" * 1000)
    content[at + 10] = ord("x")
    file.write_bytes(content)
    with BagReader(tmp_path / "bag") as reader, pytest.raises(BagError, match="damaged"):
        texts(reader)
    with BagReader(tmp_path / "bag", salvage=True) as reader:
        assert [word[0] for word in texts(reader)] == ["0", "2"]
        assert "1 damaged" in reader.note


class FullDisk:
    """A file on a disk that has room for so many bytes."""

    def __init__(self, stream, room):
        self._stream, self._room = stream, room

    def write(self, data):
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._stream.write(data)

    def __getattr__(self, name):
        return getattr(self._stream, name)


def test_a_full_disk_stops_the_recording_and_nothing_else(tmp_path):
    bag = BagWriter(
        tmp_path / "bag", create=lambda path: FullDisk(path.open("xb", buffering=0), 3 << 20)
    )
    bag.add_topic("/words", STRING)
    for number in range(10):
        bag.write("/words", text(f"{number}" * (1 << 20)), T0_NS + number)
    bag.close()
    assert "No space left" in bag.error
    assert bag.write("/words", text("more"), T0_NS) is False
    assert bag.dropped >= 1
    with BagReader(tmp_path / "bag") as reader:
        assert [word[0] for word in texts(reader)] == ["0", "1"]


def test_a_disk_that_is_too_slow_costs_messages_and_not_time(tmp_path):
    released = threading.Event()

    def create(path):
        released.wait()
        return path.open("xb")

    with BagWriter(tmp_path / "bag", queue_bytes=1000, create=create) as bag:
        bag.add_topic("/words", STRING)
        taken = [bag.write("/words", text("x" * 300), T0_NS + n) for n in range(10)]
        released.set()
    assert taken == [True] * 3 + [False] * 7
    assert (bag.written, bag.dropped) == (3, 7)


def test_who_can_wait_for_the_disk_loses_nothing(tmp_path):
    with BagWriter(tmp_path / "bag", queue_bytes=1000) as bag:
        bag.add_topic("/words", STRING)
        taken = [bag.write("/words", text("x" * 300), T0_NS + n, wait=True) for n in range(50)]
    assert all(taken)
    assert (bag.written, bag.dropped) == (50, 0)


def test_waiting_ends_when_the_disk_is_full(tmp_path):
    full = {"create": lambda path: FullDisk(path.open("xb", buffering=0), 3 << 20)}
    with BagWriter(tmp_path / "bag", queue_bytes=1 << 20, **full) as bag:
        bag.add_topic("/words", STRING)
        words = text("x" * (1 << 20))
        taken = [bag.write("/words", words, T0_NS + n, wait=True) for n in range(10)]
    assert taken[-1] is False
    assert "No space left" in bag.error


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no bag"),
        (lambda path: path.mkdir(), "holds no bag"),
        (lambda path: path.write_text("x"), "holds no bag"),
        (lambda path: (path.mkdir(), (path / "a.mcap").touch()), "is empty"),
        (lambda path: (path.mkdir(), (path / "a.mcap").write_text("x" * 99)), "nothing can be"),
    ],
)
def test_what_is_no_bag_is_refused_with_words(tmp_path, make, words):
    make(tmp_path / "bag")
    with pytest.raises(BagError, match=words):
        BagReader(tmp_path / "bag")


def test_bytes_of_another_type_are_refused_with_the_topic(tmp_path):
    with BagWriter(tmp_path / "bag") as bag:
        bag.add_topic("/joint_states", "sensor_msgs/msg/JointState")
        bag.write("/joint_states", text("not joints"), T0_NS)
    with BagReader(tmp_path / "bag") as reader:
        [record] = reader.messages()
        with pytest.raises(BagError, match="/joint_states"):
            reader.decode(record)
