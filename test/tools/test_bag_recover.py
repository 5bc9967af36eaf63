"""Damaged bags are made whole; the original stays as it was."""

import hashlib
import re
import sqlite3

import pytest
import yaml
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer

from vla_ros.data.bag_metadata import Qos
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.definitions import typestore
from vla_ros.tools import bag_recover

STRING = "std_msgs/msg/String"
T0_NS = 1_760_000_000_000_000_000
WORDS = [f"{number:02}" + "x" * 6000 for number in range(40)]


def text(content):
    return bytes(typestore().serialize_cdr(typestore().types[STRING](data=content), STRING))


def digest(path):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in path.iterdir()}


@pytest.fixture
def killed(tmp_path):
    """Return a bag of two topics as a kill leaves it: cut off, its metadata still open."""
    with BagWriter(tmp_path / "bag", custom={"model_id": "4f1e"}) as bag:
        bag.add_topic("/instruction", STRING, Qos(latched=True))
        bag.add_topic("/words", STRING, Qos(reliable=False, depth=3))
        bag.write("/instruction", text("go"), T0_NS)
        for number in range(5):  # each larger than a chunk
            bag.write("/words", text(f"{number}" * (2 << 20)), T0_NS + 1 + number)
    file = tmp_path / "bag" / "bag_0.mcap"
    file.write_bytes(file.read_bytes()[: 9 << 20])
    metadata = tmp_path / "bag" / "metadata.yaml"
    metadata.write_text(metadata.read_text().replace("recording: closed", "recording: open"))
    return tmp_path / "bag"


def test_a_killed_bag_is_made_whole(killed, capsys):
    before = digest(killed)
    assert bag_recover.main([str(killed)]) == 0
    said = capsys.readouterr().out
    assert "breaks off at byte" in said
    assert re.search(r"^/words +4 +0$", said, re.MULTILINE)
    assert said.endswith(f"recovered: {killed}_recovered\n")
    assert digest(killed) == before
    whole = killed.with_name("bag_recovered")
    information = yaml.safe_load((whole / "metadata.yaml").read_text())
    information = information["rosbag2_bagfile_information"]
    assert information["message_count"] == 5
    assert information["starting_time"]["nanoseconds_since_epoch"] == T0_NS
    assert information["duration"]["nanoseconds"] == 4
    assert information["relative_file_paths"] == ["bag_recovered_0.mcap"]
    counts = {
        topic["topic_metadata"]["name"]: topic["message_count"]
        for topic in information["topics_with_message_count"]
    }
    assert counts == {"/instruction": 1, "/words": 4}
    [latched, quick] = [
        topic["topic_metadata"]["offered_qos_profiles"][0]
        for topic in information["topics_with_message_count"]
    ]
    assert latched["durability"] == "transient_local"
    assert (quick["reliability"], quick["depth"]) == ("best_effort", 3)
    assert information["custom_data"]["model_id"] == "4f1e"
    assert information["custom_data"]["recording"] == "closed"
    with BagReader(whole) as bag:
        assert bag.note == ""
    with AnyReader([whole]) as reader:  # and anybody can read it
        assert [stamp_ns - T0_NS for _, stamp_ns, _ in reader.messages()] == [0, 1, 2, 3, 4]


def test_messages_that_the_index_promised_are_counted_as_lost(tmp_path, capsys):
    with BagWriter(tmp_path / "bag") as bag:
        bag.add_topic("/words", STRING)
        for number in range(3):
            bag.write("/words", text(f"{number}" * (2 << 20)), T0_NS + number)
    file = tmp_path / "bag" / "bag_0.mcap"
    content = bytearray(file.read_bytes())
    content[content.index(b"1" * 1000) + 10] = ord("x")
    file.write_bytes(content)
    assert bag_recover.main([str(tmp_path / "bag"), "--output", str(tmp_path / "new")]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^/words +2 +1$", said, re.MULTILINE)
    assert "1 messages that the bag lists are lost" in said
    with BagReader(tmp_path / "new") as bag:
        assert [bag.decode(record).data[0] for record in bag.messages()] == ["0", "2"]


def test_an_sqlite_bag_becomes_a_whole_mcap_bag(tmp_path, capsys):
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        connection = writer.add_connection("/words", STRING, typestore=typestore())
        for number, word in enumerate(WORDS):
            writer.write(connection, T0_NS + number, text(word))
    file = tmp_path / "bag" / "bag.db3"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert bag_recover.main([str(file)]) == 0
    assert "bag.db3 is damaged" in capsys.readouterr().out
    with BagReader(tmp_path / "bag" / "bag_recovered") as bag:
        read = [bag.decode(record).data for record in bag.messages()]
    assert read == WORDS[: len(read)]
    assert len(read) > 12


def test_a_whole_bag_is_left_alone(tmp_path, capsys):
    with BagWriter(tmp_path / "run" / "bag") as bag:
        bag.add_topic("/words", STRING)
        bag.write("/words", text("a"), T0_NS)
    assert bag_recover.main([str(tmp_path / "run")]) == 0
    assert "is whole: 1 messages, nothing to recover" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["bag"]


def test_a_type_that_nobody_knows_is_left_out_of_a_recovery(tmp_path, capsys):
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        known = writer.add_connection("/words", STRING, typestore=typestore())
        odd = writer.add_connection("/odd", "a/msg/B", msgdef="int8 x\n", rihs01="RIHS01_0")
        writer.write(known, T0_NS, text("a"))
        writer.write(odd, T0_NS, b"\0\1\0\0\7")
    (tmp_path / "bag" / "metadata.yaml").unlink()
    base = sqlite3.connect(tmp_path / "bag" / "bag.db3")
    base.execute("DELETE FROM message_definitions")
    base.commit()
    base.close()
    assert bag_recover.main([str(tmp_path / "bag")]) == 0
    assert "left out: the definition of a/msg/B is not known" in capsys.readouterr().out
    with BagReader(tmp_path / "bag_recovered") as bag:
        assert bag.counts == {"/words": 1}


def test_errors_are_one_line_and_nothing_is_overwritten(killed, tmp_path, capsys):
    assert bag_recover.main([str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err == f"bag-recover: there is no bag at {tmp_path / 'nowhere'}\n"
    assert bag_recover.main([str(killed), "--output", str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        bag_recover.main([])
    assert ended.value.code == 2


def test_an_interrupted_recovery_leaves_nothing(killed, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(BagWriter, "write", interrupted)
    assert bag_recover.main([str(killed)]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["bag"]
