"""Bags of other formats, distributions and states of decay: read, or refused with words."""

import random
import shutil
import sqlite3
import struct
import tracemalloc

import numpy as np
import pytest
import yaml
import zstandard
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from vla_ros.core.errors import BagError
from vla_ros.data.bag_metadata import Qos
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.bag_topics import Record
from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.definitions import definition, typestore

STRING, SAMPLES = "std_msgs/msg/String", "vla_ros/msg/SensorSamples"
T0_NS = 1_760_000_000_000_000_000
WORDS = [f"word {number}" for number in range(40)]


def text(content):
    return bytes(typestore().serialize_cdr(typestore().types[STRING](data=content), STRING))


def texts(path, **options):
    with BagReader(path, **options) as bag:
        return [bag.decode(record).data for record in bag.messages()]


def note(path):
    with BagReader(path) as bag:
        return bag.note


def write_with_rosbags(path, plugin, mode=CompressionMode.NONE, version=9, words=WORDS):
    """Write WORDS as ROS 2 does, in any of its formats."""
    writer = Writer(path, version=version, storage_plugin=plugin)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection("/words", STRING, typestore=typestore())
        for number, word in enumerate(words):
            writer.write(connection, T0_NS + number, text(word))
    return path


def edit_metadata(path, **changes):
    """Change metadata.yaml; a value of None removes the key."""
    file = path / "metadata.yaml"
    whole = yaml.safe_load(file.read_text())
    information = whole["rosbag2_bagfile_information"]
    for key, value in changes.items():
        if value is None:
            del information[key]
        else:
            information[key] = value
    file.write_text(yaml.safe_dump(whole))
    return information


@pytest.mark.parametrize("plugin", list(StoragePlugin))
@pytest.mark.parametrize("version", [8, 9])
def test_bags_of_both_formats_are_read(tmp_path, plugin, version):
    path = write_with_rosbags(tmp_path / "bag", plugin, version=version)
    with BagReader(path) as bag:
        records = list(bag.messages())
        assert [bag.decode(record).data for record in records] == WORDS
        assert records[7] == Record("/words", STRING, T0_NS + 7, text("word 7"))
        assert (bag.topics, bag.counts, bag.note) == ({"/words": STRING}, {"/words": 40}, "")
    assert texts(next(path.glob("bag.*"))) == WORDS  # the file without its folder


@pytest.mark.parametrize(
    ("plugin", "mode"),
    [
        (StoragePlugin.SQLITE3, CompressionMode.FILE),
        (StoragePlugin.MCAP, CompressionMode.FILE),
        (StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
        (StoragePlugin.MCAP, CompressionMode.MESSAGE),
        (StoragePlugin.MCAP, CompressionMode.STORAGE),
    ],
)
def test_compressed_bags_are_read(tmp_path, plugin, mode):
    path = write_with_rosbags(tmp_path / "bag", plugin, mode)
    assert texts(path) == WORDS
    assert note(path) == ""


def write_mcap(path, compression, chunked=True, indexed=True):
    with path.open("wb") as stream:
        writer = McapWriter(stream, compression=compression, use_chunking=chunked, chunk_size=300)
        writer.start("ros2")
        schema = writer.register_schema(STRING, "ros2msg", definition(STRING)[0].encode())
        channel = writer.register_channel("/words", "cdr", schema)
        for number, word in enumerate(WORDS):
            writer.add_message(channel, T0_NS + number, text(word), T0_NS + number)
        writer.finish()
    if not indexed:
        content = path.read_bytes()
        summary_at = len(content) - 8 - 20  # the footer begins with where the summary starts
        path.write_bytes(content[:summary_at] + bytes(16) + content[summary_at + 16 :])
    return path


@pytest.mark.parametrize("compression", list(CompressionType))
@pytest.mark.parametrize("salvage", [False, True])
def test_chunks_of_every_compression_are_read(tmp_path, compression, salvage):
    assert texts(write_mcap(tmp_path / "a.mcap", compression), salvage=salvage) == WORDS


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("indexed", [False, True])
def test_files_without_chunks_or_index_are_read(tmp_path, chunked, indexed):
    path = write_mcap(tmp_path / "a.mcap", CompressionType.NONE, chunked, indexed)
    assert texts(path) == WORDS
    assert note(path) == ""


def test_messages_come_in_the_order_of_their_receipt(tmp_path):
    """As a bag with two writers has them: chunks overlap in time."""
    order = [5, 0, 9, 1, 8, 2, 7, 3, 6, 4]
    with (tmp_path / "a.mcap").open("wb") as stream:
        writer = McapWriter(stream, compression=CompressionType.NONE, chunk_size=60)
        writer.start("ros2")
        schema = writer.register_schema(STRING, "ros2msg", definition(STRING)[0].encode())
        channel = writer.register_channel("/words", "cdr", schema)
        for number in order:
            writer.add_message(channel, T0_NS + number, text(str(number)), T0_NS)
        writer.finish()
    assert texts(tmp_path / "a.mcap") == [str(number) for number in range(10)]
    assert texts(tmp_path / "a.mcap", salvage=True) == [str(number) for number in range(10)]


@pytest.mark.parametrize("compression", list(CompressionType))
def test_a_file_cut_anywhere_gives_what_came_before(tmp_path, compression):
    content = write_mcap(tmp_path / "whole.mcap", compression).read_bytes()
    best = 0
    for size in [*range(0, len(content), 37), *range(len(content) - 50, len(content), 7)]:
        (tmp_path / "cut.mcap").write_bytes(content[:size])
        try:
            read = texts(tmp_path / "cut.mcap")
        except BagError:
            assert best == 0  # nothing yet
            continue
        assert read == WORDS[: len(read)]
        assert len(read) >= best
        best = len(read)
        assert "breaks off" in note(tmp_path / "cut.mcap")
    assert best == len(WORDS)


@pytest.mark.parametrize("compression", list(CompressionType))
def test_a_byte_that_is_wrong_anywhere_never_ends_in_another_error(tmp_path, compression):
    content = write_mcap(tmp_path / "whole.mcap", compression).read_bytes()
    chance = random.Random(1)
    for at in range(0, len(content), 41):
        wrong = bytearray(content)
        wrong[at] ^= 1 << chance.randrange(8)
        (tmp_path / "wrong.mcap").write_bytes(wrong)
        for salvage in (False, True):
            try:
                with BagReader(tmp_path / "wrong.mcap", salvage=salvage) as bag:
                    for record in bag.messages():
                        bag.decode(record)
            except BagError as error:
                assert str(error)


def test_an_end_of_zeros_is_no_message(tmp_path):
    """As a file system leaves it after the power has failed."""
    content = write_mcap(tmp_path / "a.mcap", CompressionType.NONE).read_bytes()
    (tmp_path / "a.mcap").write_bytes(content[: len(content) // 2] + bytes(100_000))
    read = texts(tmp_path / "a.mcap")
    assert 0 < len(read) < 40
    assert read == WORDS[: len(read)]


def test_messages_that_are_no_cdr_are_left_out_by_name(tmp_path):
    with (tmp_path / "a.mcap").open("wb") as stream:
        writer = McapWriter(stream)
        writer.start("")
        schema = writer.register_schema("foxglove.Log", "jsonschema", b"{}")
        log = writer.register_channel("/log", "json", schema)
        words = writer.register_schema(STRING, "ros2msg", definition(STRING)[0].encode())
        channel = writer.register_channel("/words", "cdr", words)
        writer.add_message(log, T0_NS, b"{}", T0_NS)
        writer.add_message(channel, T0_NS, text("a"), T0_NS)
        writer.finish()
    assert texts(tmp_path / "a.mcap") == ["a"]
    assert "/log is left out" in note(tmp_path / "a.mcap")


def test_a_topic_with_two_types_is_said_and_both_are_decoded(tmp_path):
    with (tmp_path / "a.mcap").open("wb") as stream:
        writer = McapWriter(stream)
        writer.start("ros2")
        for number, (kind, words) in enumerate(
            [("odd/msg/A", "string x"), (STRING, "string data")]
        ):
            schema = writer.register_schema(kind, "ros2msg", words.encode())
            channel = writer.register_channel("/words", "cdr", schema)
            writer.add_message(channel, T0_NS + number, text("a"), T0_NS)
        writer.finish()
    with BagReader(tmp_path / "a.mcap") as bag:
        odd, usual = map(bag.decode, bag.messages())
        assert (odd.x, usual.data) == ("a", "a")
        assert bag.counts == {"/words": 2}
        assert bag.note == "/words has messages of odd/msg/A and std_msgs/msg/String"


# Distributions.


@pytest.mark.parametrize("version", range(1, 9))
def test_metadata_of_older_distributions_is_read(tmp_path, version):
    path = write_with_rosbags(tmp_path / "bag", StoragePlugin.SQLITE3)
    information = edit_metadata(path, version=version)
    if version < 8:
        information = edit_metadata(path, ros_distro=None)
    if version < 7:
        for topic in information["topics_with_message_count"]:
            del topic["topic_metadata"]["type_description_hash"]
        edit_metadata(path, topics_with_message_count=information["topics_with_message_count"])
    if version < 6:
        edit_metadata(path, custom_data=None)
    if version < 5:
        edit_metadata(path, files=None)
    if version < 4:
        edit_metadata(path, relative_file_paths=["bag/bag.db3"])
    assert texts(path) == WORDS
    assert note(path) == ""


def test_metadata_of_a_distribution_to_come_is_read(tmp_path):
    path = write_with_rosbags(tmp_path / "bag", StoragePlugin.MCAP)
    edit_metadata(path, version=12, ros_distro="rolling", something_new={"a": 1})
    assert texts(path) == WORDS


def test_sqlite_as_foxy_wrote_it_is_read(tmp_path):
    """No schema table, no definitions: the types are those that everybody knows."""
    data = typestore().serialize_cdr(
        typestore().types[SAMPLES](
            header=typestore().types["std_msgs/msg/Header"](
                stamp=typestore().types["builtin_interfaces/msg/Time"](sec=1, nanosec=2),
                frame_id="",
            ),
            **{"rate_hz": 650.0, "first_index": 0, "channels": 1},
            data=np.ones(3, np.float32),
        ),
        SAMPLES,
    )
    base = sqlite3.connect(tmp_path / "foxy_0.db3")
    base.executescript(
        "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, "
        "serialization_format TEXT NOT NULL);"
        "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, "
        "timestamp INTEGER NOT NULL, data BLOB NOT NULL);"
        f"INSERT INTO topics VALUES(1, '/sensor', '{SAMPLES}', 'cdr');"
        "INSERT INTO topics VALUES(2, '/odd', 'other_msgs/msg/Thing', 'cdr');"
    )
    base.execute("INSERT INTO messages VALUES(1, 1, ?, ?)", (T0_NS, bytes(data)))
    base.execute("INSERT INTO messages VALUES(2, 2, ?, ?)", (T0_NS + 1, b"\0\1\0\0"))
    base.commit()
    base.close()
    with BagReader(tmp_path / "foxy_0.db3") as bag:
        known, unknown = bag.messages()
        assert bag.decode(known).data.tolist() == [1, 1, 1]
        with pytest.raises(BagError, match="/odd is of type other_msgs/msg/Thing"):
            bag.decode(unknown)


def test_a_type_hash_that_does_not_fit_spoils_nothing(tmp_path):
    path = write_with_rosbags(tmp_path / "bag", StoragePlugin.MCAP)
    information = edit_metadata(path)
    [topic] = information["topics_with_message_count"]
    topic["topic_metadata"]["type_description_hash"] = "RIHS01_" + "0" * 64
    edit_metadata(path, topics_with_message_count=[topic])
    assert texts(path) == WORDS


def test_definitions_in_idl_are_read(tmp_path):
    idl = "module std_msgs { module msg { struct String { string data; }; }; };"
    with (tmp_path / "a.mcap").open("wb") as stream:
        writer = McapWriter(stream)
        writer.start("ros2")
        schema = writer.register_schema(STRING, "ros2idl", idl.encode())
        channel = writer.register_channel("/words", "cdr", schema)
        writer.add_message(channel, T0_NS, text("a"), T0_NS)
        writer.finish()
    assert texts(tmp_path / "a.mcap") == ["a"]


# SQLite, damaged.


@pytest.fixture
def sqlite_bag(tmp_path):
    """Return an SQLite bag of 40 long words, a page or more each."""
    words = [f"{number:02}" + "x" * 6000 for number in range(40)]
    return write_with_rosbags(tmp_path / "bag", StoragePlugin.SQLITE3, words=words)


@pytest.mark.parametrize("part", [0.95, 0.5, 0.2])
def test_an_sqlite_file_that_is_cut_off_gives_what_it_still_holds(sqlite_bag, part):
    file = sqlite_bag / "bag.db3"
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * part)])
    read = texts(sqlite_bag)
    assert len(read) > 40 * part - 6
    assert len(read) < 40
    assert [word[:2] for word in read] == sorted(word[:2] for word in read)
    assert "bag.db3 is damaged" in note(sqlite_bag)


def test_damaged_pages_of_an_sqlite_file_are_left_out(sqlite_bag):
    file = sqlite_bag / "bag.db3"
    content = bytearray(file.read_bytes())
    at = content.index(b"20xxx") // 4096 * 4096
    content[at : at + 8] = b"\xff" * 8
    file.write_bytes(content)
    read = [int(word[:2]) for word in texts(sqlite_bag, salvage=True)]
    assert 20 not in read
    assert 0 in read
    assert 39 in read
    assert len(read) > 20


def test_an_sqlite_file_without_its_topics_is_refused(sqlite_bag):
    (sqlite_bag / "bag.db3").write_bytes((sqlite_bag / "bag.db3").read_bytes()[:1000])
    with pytest.raises(BagError, match=r"bag\.db3 is no bag that can be read"):
        BagReader(sqlite_bag)


def test_a_database_that_is_no_bag_is_refused(tmp_path):
    base = sqlite3.connect(tmp_path / "other.db3")
    base.execute("CREATE TABLE things(id INTEGER)")
    base.commit()
    base.close()
    with pytest.raises(BagError, match="no table of topics"):
        BagReader(tmp_path / "other.db3")


def test_what_waits_in_the_write_ahead_log_is_read(tmp_path):
    """As a killed recorder of ROS 2 leaves it."""
    path = write_with_rosbags(tmp_path / "bag", StoragePlugin.SQLITE3)
    writer = sqlite3.connect(path / "bag.db3")
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("INSERT INTO messages VALUES(99, 1, ?, ?)", (T0_NS + 99, text("late")))
    writer.commit()
    shutil.copytree(path, tmp_path / "killed")  # before it is closed, which empties the log
    writer.close()
    assert texts(tmp_path / "killed") == [*WORDS, "late"]


# Folders.


def test_damaged_metadata_is_said_and_the_files_are_read(tmp_path):
    for number, damage in enumerate(["{", "a: 1", "", "\0\xff", "- 1"]):
        path = write_with_rosbags(tmp_path / f"bag{number}", StoragePlugin.MCAP)
        (path / "metadata.yaml").write_text(damage)
        assert texts(path) == WORDS
        assert "metadata.yaml is damaged" in note(path)


def test_missing_metadata_is_said(tmp_path):
    path = write_with_rosbags(tmp_path / "bag", StoragePlugin.MCAP)
    (path / "metadata.yaml").unlink()
    assert texts(path) == WORDS
    assert "metadata.yaml is missing" in note(path)


def split_bag(path):
    with BagWriter(path, split_bytes=100) as bag:
        bag.add_topic("/words", STRING, Qos())
        for number, word in enumerate(WORDS):
            bag.write("/words", text(word), T0_NS + number)
    return sorted(path.glob("*.mcap"), key=lambda file: (len(file.name), file.name))


def test_files_that_are_gone_are_named_and_the_others_read(tmp_path):
    files = split_bag(tmp_path / "bag")
    assert len(files) > 3
    files[1].unlink()
    assert 0 < len(texts(tmp_path / "bag")) < 40
    assert f"names {files[1].name}, which is not there" in note(tmp_path / "bag")


def test_a_file_that_is_damaged_does_not_hide_the_others(tmp_path):
    files = split_bag(tmp_path / "bag")
    files[0].write_bytes(b"")
    files[2].write_bytes(b"no bag at all")
    read = texts(tmp_path / "bag")
    assert 0 < len(read) < 40
    assert read[-1] == WORDS[-1]
    said = note(tmp_path / "bag")
    assert f"{files[0].name} is empty" in said
    assert f"{files[2].name} is neither MCAP nor SQLite" in said


def test_files_that_the_bag_does_not_name_are_not_its_own(tmp_path):
    path = write_with_rosbags(tmp_path / "bag", StoragePlugin.MCAP)
    shutil.copy(path / "bag.mcap", path / "copy.mcap")
    assert texts(path) == WORDS


def test_a_file_is_known_by_its_content(tmp_path):
    write_mcap(tmp_path / "really.db3", CompressionType.NONE)
    assert texts(tmp_path / "really.db3") == WORDS


@pytest.mark.parametrize("inside", [True, False])
def test_a_bag_of_ros_1_is_refused_with_what_to_do(tmp_path, inside):
    types = get_typestore(Stores.ROS1_NOETIC)
    folder = tmp_path / "folder"
    folder.mkdir()
    with Writer1(folder / "old.bag") as writer:
        connection = writer.add_connection("/words", STRING, typestore=types)
        message = types.types[STRING](data="a")
        writer.write(connection, T0_NS, types.serialize_ros1(message, STRING))
    with pytest.raises(BagError, match=r"bag of ROS 1; `rosbags-convert --src .*old\.bag"):
        BagReader(folder / "old.bag" if inside else folder)


def test_a_bag_without_messages_is_a_bag(tmp_path):
    path = write_with_rosbags(tmp_path / "bag", StoragePlugin.MCAP, words=[])
    with BagReader(path) as bag:
        assert list(bag.messages()) == []
        assert bag.counts.total() == 0
        assert bag.note == ""


def test_a_message_that_cannot_be_decompressed_is_an_error_of_the_bag(tmp_path):
    path = write_with_rosbags(tmp_path / "bag", StoragePlugin.MCAP)
    edit_metadata(path, compression_mode="MESSAGE", compression_format="zstd")
    with BagReader(path) as bag, pytest.raises(BagError, match="/words cannot be decompressed"):
        list(bag.messages())


def test_no_more_than_a_part_of_a_bag_is_in_memory(tmp_path):
    path = write_with_rosbags(tmp_path / "bag", StoragePlugin.MCAP, words=["x" * 300_000] * 100)
    for salvage in (False, True):
        tracemalloc.start()
        try:
            with BagReader(path, salvage=salvage) as bag:
                assert sum(len(record.data) for record in bag.messages()) > 30_000_000
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 10_000_000


def test_a_compressed_file_that_is_cut_off_gives_what_came_before(tmp_path):
    content = split_bag(tmp_path / "bag")[0].read_bytes()
    noise = np.random.default_rng(0).bytes(300_000)  # several blocks of zstd
    record = struct.pack("<BQ", 0x80, len(noise)) + noise  # of a private type: skipped
    packed = zstandard.compress(content[:-37] + record)
    (tmp_path / "cut.mcap.zstd").write_bytes(packed[:-200_000])
    assert texts(tmp_path / "cut.mcap.zstd")
    assert "breaks off" in note(tmp_path / "cut.mcap.zstd")
