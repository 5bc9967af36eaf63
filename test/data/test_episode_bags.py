"""Bags become episodes and bags again: with JPEGs nothing is lost on the way."""

import json
from collections import defaultdict

import cv2
import numpy as np
import pytest

from vla_ros.core.errors import BagError
from vla_ros.data.bag_metadata import Qos
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.definitions import typestore
from vla_ros.data.episode_export import export_episodes
from vla_ros.data.episode_import import import_episodes
from vla_ros.data.episodes import EpisodeError, read_episode

T0_NS = 1_760_000_000_123_456_789
MS = 1_000_000
IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
SAMPLES, INFO = "vla_ros/msg/SensorSamples", "sensor_msgs/msg/CameraInfo"
STRING = "std_msgs/msg/String"
JOINTS, POSE = "sensor_msgs/msg/JointState", "geometry_msgs/msg/PoseStamped"
NAMES = ["needle_clamp", *(f"joint_{n}" for n in range(1, 7))]  # the clamp is no state


def make(kind, **fields):
    return typestore().types[kind](**fields)


def header(stamp_ns, frame_id):
    sec, nanosec = divmod(stamp_ns, 10**9)
    stamp = make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
    return make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)


def pixels(seed):
    ramp = np.arange(24 * 32 * 3, dtype=np.uint32).reshape(24, 32, 3)
    return ((ramp // 31 + seed * 40) % 256).astype(np.uint8)


def compressed(stamp_ns, seed):
    data = cv2.imencode(".jpg", pixels(seed), [cv2.IMWRITE_JPEG_QUALITY, 80])[1].ravel()
    about = header(stamp_ns, "camera_1_optical")
    return make(COMPRESSED, header=about, format="rgb8; jpeg compressed bgr8", data=data)


def raw(stamp_ns, seed, encoding="rgb8"):
    fields = {"height": 24, "width": 32, "step": 96, "is_bigendian": 0, "encoding": encoding}
    return make(IMAGE, header=header(stamp_ns, "wrist"), data=pixels(seed).ravel(), **fields)


def info(stamp_ns):
    roi = {"x_offset": 0, "y_offset": 0, "height": 0, "width": 0, "do_rectify": False}
    matrices = {"d": np.arange(5.0), "k": np.arange(9.0), "r": np.eye(3).ravel()}
    return make(
        INFO,
        header=header(stamp_ns, "camera_1_optical"),
        **{"height": 24, "width": 32, "distortion_model": "plumb_bob", "binning_x": 0},
        **{**matrices, "p": np.arange(12.0), "binning_y": 0},
        roi=make("sensor_msgs/msg/RegionOfInterest", **roi),
    )


def samples(stamp_ns, index, channels=4):
    data = np.random.default_rng(index).normal(size=13 * channels).astype(np.float32)
    about = header(stamp_ns, "needle_tip")
    counts = {"first_index": index, "channels": channels, "rate_hz": 650.0}
    return make(SAMPLES, header=about, data=data, **counts)


def joints(stamp_ns, number):
    position = np.linspace(0.1, 0.7, 7) * (number + 1) / 3
    fields = {"name": NAMES, "velocity": position / 7, "effort": np.empty(0)}
    return make(JOINTS, header=header(stamp_ns, "base"), position=position, **fields)


def pose(stamp_ns, number):
    turn = np.array([0.1, -0.2, 0.3 + number / 100, 0.9])
    turn /= np.linalg.norm(turn)
    place = make("geometry_msgs/msg/Point", x=0.1 / 3, y=0.2, z=number / 7)
    rotation = make("geometry_msgs/msg/Quaternion", **dict(zip("xyzw", turn.tolist(), strict=True)))
    return make(
        POSE,
        header=header(stamp_ns, "base"),
        pose=make("geometry_msgs/msg/Pose", position=place, orientation=rotation),
    )


def text(content):
    return make(STRING, data=content)


def write(path, sent, **options):
    """Write (ms after T0, topic, message) into a bag."""
    with BagWriter(path, **options) as bag:
        for at_ms, topic, message in sent:
            kind = message.__msgtype__
            bag.add_topic(topic, kind, Qos(latched=kind == STRING))
            data = bytes(typestore().serialize_cdr(message, kind))
            assert bag.write(topic, data, T0_NS + int(at_ms * MS))
    return path


def robot(at_ms, number):
    """Return what a robot sends in 20 ms."""
    stamp_ns = T0_NS + at_ms * MS - 20 * MS
    yield at_ms, "/sensor", samples(stamp_ns, 13 * number + (5 if number > 3 else 0))
    yield at_ms + 1, "/ee_pose", pose(stamp_ns + 17, number)
    yield at_ms + 2, "/joint_states", joints(stamp_ns + 19, number)


def run(image, topic="/camera_1/image_raw/compressed"):
    """Return the messages of 120 ms of a run: an instruction, then another one."""
    sent = [(0, "/instruction", text("insert the needle"))]
    for number in range(6):
        sent += robot(5 + 20 * number, number)
    for number in range(4):
        stamp_ns = T0_NS + (30 * number - 7) * MS
        sent.append((30 * number + 3, topic, image(stamp_ns, number)))
        sent.append((30 * number + 3, "/camera_1/camera_info", info(stamp_ns)))
    sent += [(60, "/instruction", text("pull it out")), (80, "/instruction", text("pull it out"))]
    return sorted(sent, key=lambda one: one[0])


def contents(path):
    """Return (time, bytes) of each topic's messages."""
    found = defaultdict(list)
    with BagReader(path) as bag:
        assert bag.note == ""
        for record in bag.messages():
            found[record.topic, record.msgtype].append((record.log_ns, record.data))
    return found


def test_a_bag_of_jpegs_comes_back_byte_for_byte(tmp_path):
    before = [one for one in run(compressed) if one[0] != 80]
    write(tmp_path / "bag", before)
    assert export_episodes(tmp_path / "bag", tmp_path / "out") == []
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["episode_000", "episode_001"]
    assert import_episodes(tmp_path / "out", tmp_path / "back") == []
    assert contents(tmp_path / "back") == contents(tmp_path / "bag")


def test_an_episode_is_what_was_recorded_while_its_instruction_held(tmp_path):
    write(tmp_path / "bag", run(compressed), custom={"model_id": "4f1e"})
    export_episodes(tmp_path / "bag", tmp_path / "out")
    first, second = (read_episode(tmp_path / "out" / f"episode_00{n}") for n in (0, 1))
    assert (first.instruction, second.instruction) == ("insert the needle", "pull it out")
    assert first.about["model_id"] == "4f1e"
    stamps_ms = [(frame.stamp_ns - T0_NS) / MS for frame in first.views["camera_1"]]
    assert stamps_ms == [-7, 23]
    assert len(second.views["camera_1"]) == 2
    assert first.sensor.values.shape == (39, 4)
    assert first.sensor.rate_hz == 650.0
    assert first.sensor.stamps_ns[0] == T0_NS - 15 * MS
    assert first.states.values.shape == (3, 12)
    assert first.states.names == tuple(NAMES[1:])
    np.testing.assert_allclose(first.states.values[0, :6], np.linspace(0.2, 0.7, 6) / 3, rtol=1e-6)
    assert first.states.values[0, 6] == pytest.approx(0.1 / 3)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8"])
def test_raw_images_survive_as_png(tmp_path, encoding):
    def image(stamp_ns, number):
        return raw(stamp_ns, number, encoding)

    sent = [one for one in run(image, "/wrist/image_raw") if one[0] != 80]
    write(tmp_path / "bag", sent)
    export_episodes(tmp_path / "bag", tmp_path / "out", png=True)
    [frame, *_] = read_episode(tmp_path / "out" / "episode_000").views["wrist"]
    assert frame.path.suffix == ".png"
    np.testing.assert_array_equal(frame.image()[..., :: 1 if encoding == "rgb8" else -1], pixels(0))
    import_episodes(tmp_path / "out", tmp_path / "back")
    before, after = contents(tmp_path / "bag"), contents(tmp_path / "back")
    assert after["/wrist/image_raw", IMAGE] == before["/wrist/image_raw", IMAGE]


def test_raw_images_become_good_jpegs(tmp_path):
    write(tmp_path / "bag", run(raw, "/wrist/image_raw"))
    export_episodes(tmp_path / "bag", tmp_path / "out")
    [frame, *_] = read_episode(tmp_path / "out" / "episode_000").views["wrist"]
    assert frame.path.suffix == ".jpg"
    assert np.abs(frame.image().astype(int) - pixels(0)).mean() < 8  # noise is hard on a JPEG


def test_a_folder_of_another_lab_becomes_a_bag(tmp_path):
    folder = tmp_path / "lab" / "images" / "left"
    folder.mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.jpg"), pixels(number))
    np.savez(tmp_path / "lab" / "sensor.npz", values=np.ones((195, 3), np.float32), rate_hz=650.0)
    turned = [0.1] * 6 + [0.3, 0.0, 0.1] + [0.0, 0.0, np.pi / 2]
    np.savez(tmp_path / "lab" / "robot_states.npz", states=np.array([turned] * 30))
    [note] = import_episodes(tmp_path / "lab", tmp_path / "bag")
    assert "10 Hz" in note
    with BagReader(tmp_path / "bag") as bag:
        assert bag.topics == {
            "/left/image_raw/compressed": COMPRESSED,
            "/sensor": SAMPLES,
            "/joint_states": JOINTS,
            "/ee_pose": POSE,
        }
        assert bag.counts["/left/image_raw/compressed"] == 3
        assert bag.counts["/sensor"] == 15
        read = {topic: bag.decode(next(iter(bag.messages([topic])))) for topic in bag.topics}
    assert read["/sensor"].data.size == 39
    assert read["/joint_states"].name == NAMES[1:]
    turn = read["/ee_pose"].pose.orientation
    assert (turn.x, turn.y) == (0, 0)
    assert (turn.z, turn.w) == pytest.approx((np.sqrt(0.5), np.sqrt(0.5)))
    assert read["/left/image_raw/compressed"].header.stamp.sec == 1  # 0 would mean no stamp


def test_episodes_without_a_time_follow_each_other(tmp_path):
    for name in ("a", "b"):
        folder = tmp_path / "lab" / name / "images" / "left"
        folder.mkdir(parents=True)
        for number in range(3):
            cv2.imwrite(str(folder / f"{number}.jpg"), pixels(number))
    import_episodes(tmp_path / "lab", tmp_path / "bag")
    with BagReader(tmp_path / "bag") as bag:
        times_s = [record.log_ns / 1e9 for record in bag.messages()]
    assert times_s == pytest.approx([1.0, 1.1, 1.2, 2.2, 2.3, 2.4])


def test_without_a_topic_the_instruction_is_that_of_the_features_or_of_the_start(tmp_path):
    images = [one for one in run(compressed) if "image" in one[1]]
    configuration = {"arguments": {"instruction": "as started"}}
    custom = {"configuration": json.dumps(configuration)}
    write(tmp_path / "started", images, custom=custom)
    export_episodes(tmp_path / "started", tmp_path / "a")
    assert read_episode(tmp_path / "a" / "episode_000").instruction == "as started"
    empty = np.empty(0, np.uint32)
    features = make(
        "vla_ros/msg/VlFeatures",
        **{"header": header(T0_NS, ""), "sequence": 1, "session": "s", "model_id": "x"},
        **{"instruction": "as encoded", "dtype": "float32", "shape": empty},
        **{"data": np.empty(0, np.uint8), "views": [], "view_stamps": [], "view_tokens": empty},
        **{"image_grid_thw": empty, "total_tokens": 0},
    )
    later = [(70, "/instruction", text("pull it out"))]
    sent = sorted([*images, (40, "/features", features), *later], key=lambda one: one[0])
    write(tmp_path / "encoded", sent, custom=custom)
    export_episodes(tmp_path / "encoded", tmp_path / "b")
    said = [read_episode(tmp_path / "b" / f"episode_00{n}").instruction for n in (0, 1)]
    assert said == ["as encoded", "pull it out"]


def test_what_cannot_be_used_is_left_out_and_said(tmp_path):
    sent = [
        *run(compressed),
        (200, "/camera_1/image_raw/compressed", compressed(T0_NS - 7 * MS, 0)),  # again
        (201, "/camera_1/image_raw/compressed", compressed(T0_NS + 90 * MS, 0)),
        (202, "/sensor", samples(T0_NS, 90)),  # older than what was there
        (203, "/sensor", samples(T0_NS + 400 * MS, 90, channels=7)),
        (204, "/instruction", text("nothing more comes")),
    ]
    sent = [one for one in sent if one[0] not in (60, 80)]
    lying = compressed(T0_NS + 210 * MS, 0)
    lying.data = np.zeros(100, np.uint8)
    sent.append((210, "/camera_1/image_raw/compressed", lying))
    write(tmp_path / "bag", sent)
    notes = "; ".join(export_episodes(tmp_path / "bag", tmp_path / "out"))
    assert "same stamp" in notes
    assert "begins before the last one ends" in notes
    assert "7 channels after 4" in notes
    assert "JPEG or PNG is allowed" in notes
    assert "1 instructions had no image" in notes
    episode = read_episode(tmp_path / "out" / "episode_000")
    assert len(episode.views["camera_1"]) == 5
    assert episode.sensor.values.shape == (78, 4)


def test_a_bag_that_lacks_topics_says_which(tmp_path):
    images = [one for one in run(compressed) if "image" in one[1]]
    write(tmp_path / "bag", [*images, (99, "/sensor", text("of a wrong type"))])
    notes = "; ".join(export_episodes(tmp_path / "bag", tmp_path / "out"))
    assert f"/sensor is of type {STRING}, not {SAMPLES}" in notes
    assert "no joint_states" in notes
    assert "no ee_pose" in notes
    assert read_episode(tmp_path / "out" / "episode_000").sensor is None


def test_a_bag_without_images_makes_no_episode(tmp_path):
    write(tmp_path / "bag", [(0, "/instruction", text("go"))])
    with pytest.raises(EpisodeError, match="has no images.*it has /instruction"):
        export_episodes(tmp_path / "bag", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["bag"]


def test_a_bag_that_is_damaged_in_the_middle_gives_the_rest(tmp_path):
    def big(stamp_ns, number):
        data = cv2.imencode(".jpg", pixels(number))[1].ravel()
        padding = np.full(2 << 20, number, np.uint8)  # each image in a chunk of its own
        content = np.concatenate([data, padding])
        return make(COMPRESSED, header=header(stamp_ns, "c"), format="jpeg", data=content)

    path = write(tmp_path / "bag", [one for one in run(big) if one[0] not in (60, 80)])
    file = path / "bag_0.mcap"
    content = bytearray(file.read_bytes())
    content[content.index(bytes([2] * 1000)) + 10] = 9
    file.write_bytes(content)
    notes = "; ".join(export_episodes(path, tmp_path / "out"))
    assert "1 damaged chunks" in notes
    episode = read_episode(tmp_path / "out" / "episode_000")
    assert [(f.stamp_ns - T0_NS) / MS for f in episode.views["camera_1"]] == [-7, 23, 83]


def test_nothing_is_overwritten(tmp_path):
    write(tmp_path / "bag", run(compressed))
    (tmp_path / "out").mkdir()
    with pytest.raises(EpisodeError, match="out exists already"):
        export_episodes(tmp_path / "bag", tmp_path / "out")
    export_episodes(tmp_path / "bag", tmp_path / "episodes")
    with pytest.raises(BagError, match="bag exists already"):
        import_episodes(tmp_path / "episodes", tmp_path / "bag")


def test_an_error_leaves_nothing_behind(tmp_path):
    write(tmp_path / "bag", run(compressed))
    export_episodes(tmp_path / "bag", tmp_path / "episodes")
    [path] = (tmp_path / "episodes" / "episode_001").glob("sensor.npz")
    path.write_bytes(b"no zip")
    with pytest.raises(EpisodeError, match=r"sensor\.npz"):
        import_episodes(tmp_path / "episodes", tmp_path / "back")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bag", "episodes"]
