"""Episode folders: ours, those of other labs, and those that contradict themselves."""

import json

import cv2
import numpy as np
import pytest

from vla_ros.data.episodes import EpisodeError, find_episodes, read_episode

T0_NS = 1_760_000_000_123_456_789
VIEWS = ("camera_1", "wrist")


def put_image(path, rgb=(200, 30, 10), size=(24, 32)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((*size, 3), rgb[::-1], np.uint8)
    assert cv2.imwrite(str(path), image)


@pytest.fixture
def folder(tmp_path):
    """Return an episode with two views, three frames each, all of them stamped."""
    about = {"schema": 1, "instruction": "insert the needle", "views": ["wrist", "camera_1"]}
    for view in VIEWS:
        for number in range(3):
            put_image(tmp_path / "images" / view / f"{T0_NS + number * 100_000_000}.jpg")
    (tmp_path / "episode.json").write_text(json.dumps({**about, "model_id": "abc"}))
    return tmp_path


@pytest.fixture
def foreign(tmp_path):
    """Return a folder with nothing but images, named 0.jpg, 1.jpg ... 11.jpg."""
    for view in VIEWS:
        for number in range(12):
            put_image(tmp_path / "images" / view / f"{number}.jpg", (number * 20, 0, 0))
    return tmp_path


def put_sensor(folder, **arrays):
    np.savez(folder / "sensor.npz", **arrays)


def stamps(count):
    return T0_NS + np.arange(count) * 2_000_000


def test_an_episode_says_what_it_holds(folder):
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    put_sensor(folder, stamps_ns=stamps(4), values=values, rate_hz=500.0)
    np.savez(
        folder / "robot_states.npz",
        stamps_ns=stamps(2),
        values=np.ones((2, 12)),
        joint_names=["a", "b", "c", "d", "e", "f"],
    )
    episode = read_episode(folder)
    assert episode.instruction == "insert the needle"
    assert list(episode.views) == ["wrist", "camera_1"]  # as trained, not as the disk sorts them
    assert episode.start_ns == T0_NS
    assert [f.stamp_ns - T0_NS for f in episode.views["wrist"]] == [0, 100_000_000, 200_000_000]
    image = episode.views["wrist"][0].image()
    assert (image.shape, image.dtype) == ((24, 32, 3), np.uint8)
    assert image[5, 5].tolist() == pytest.approx([200, 30, 10], abs=4)  # rgb, not bgr
    np.testing.assert_array_equal(episode.sensor.values, values)
    assert episode.sensor.stamps_ns.tolist() == stamps(4).tolist()
    assert episode.sensor.rate_hz == 500.0
    assert episode.states.values.shape == (2, 12)
    assert episode.states.values.dtype == np.float32
    assert episode.states.names == ("a", "b", "c", "d", "e", "f")
    assert episode.states.rate_hz == pytest.approx(500.0)
    assert episode.about["model_id"] == "abc"
    assert episode.note == ""


def test_a_csv_keeps_every_nanosecond(folder):
    rows = [f"{T0_NS + n},{n}.5,-{n}" for n in range(3)]
    (folder / "sensor.csv").write_text("\n".join(["stamp_ns,c0,c1", *rows]) + "\n")
    sensor = read_episode(folder).sensor
    assert (sensor.stamps_ns - T0_NS).tolist() == [0, 1, 2]
    assert sensor.values.tolist() == [[0.5, 0.0], [1.5, -1.0], [2.5, -2.0]]
    assert sensor.names == ("c0", "c1")


def test_without_tables_there_are_none(folder):
    episode = read_episode(folder)
    assert episode.sensor is None
    assert episode.states is None


def test_a_folder_of_another_lab_is_read_in_natural_order(foreign):
    episode = read_episode(foreign)
    assert episode.instruction == ""
    assert list(episode.views) == ["camera_1", "wrist"]
    frames = episode.views["wrist"]
    assert [frame.path.name for frame in frames] == [f"{n}.jpg" for n in range(12)]
    assert [frame.stamp_ns for frame in frames] == [n * 100_000_000 for n in range(12)]
    assert "10 Hz" in episode.note


def test_tables_of_another_lab_last_as_long_as_the_images(foreign):
    put_sensor(foreign, arr_0=np.zeros((780, 4)))
    (foreign / "robot_states.csv").write_text("1,2\n3,4\n5,6\n")
    episode = read_episode(foreign)
    assert episode.sensor.rate_hz == pytest.approx(780 / 1.2)
    assert episode.sensor.stamps_ns[-1] < 1_200_000_000
    assert "evenly spaced" in episode.sensor.note
    assert episode.states.values.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_a_file_that_gives_its_rate_only_is_spaced_by_it(foreign):
    put_sensor(foreign, values=np.zeros(5), rate_hz=np.array([650.0]))
    sensor = read_episode(foreign).sensor
    assert sensor.values.shape == (5, 1)
    assert sensor.stamps_ns.tolist() == [round(n * 1e9 / 650) for n in range(5)]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"stamps_ns": stamps(3), "values": np.zeros((4, 2))}, r"\(3,\) for 4 rows"),
        ({"stamps_ns": [0.0, np.nan], "values": np.zeros((2, 2))}, "not all finite"),
        ({"stamps_ns": stamps(3)[::-1], "values": np.zeros((3, 2))}, "go back after row 0"),
        ({"values": np.zeros((2, 2, 2))}, r"float64 \(2, 2, 2\)"),
        ({"values": np.array(["a", "b"])}, r"<U1 \(2,\)"),
        ({"values": np.zeros((0, 3))}, r"\(0, 3\)"),
        ({"values": np.zeros((2, 2)), "rate_hz": 0.0}, "one positive number"),
        ({"a": np.zeros((2, 2)), "b": np.zeros((2, 3))}, r"a \(2, 2\), b \(2, 3\)"),
        ({"values": np.array([{}])}, "no npz file of numbers"),
    ],
)
def test_tables_that_make_no_sense_are_refused_with_what_they_hold(folder, arrays, words):
    put_sensor(folder, **arrays)
    with pytest.raises(EpisodeError, match=words):
        _ = read_episode(folder).sensor


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"\(0, 0\)"),
        ("stamp_ns,c0\n", r"\(0, "),
        ("stamp_ns,c0\n1,2\n3\n", "no table"),
        ("stamp_ns,c0\nnan,2\n", "no table"),
        ("timestamp,c0\n1.5,2\n", "'timestamp'"),
        ("stamp_ns,c0\n1,two\n", "no table"),
    ],
)
@pytest.mark.filterwarnings("ignore:loadtxt")
def test_csvs_that_make_no_sense_are_refused(folder, text, words):
    (folder / "sensor.csv").write_text(text)
    with pytest.raises(EpisodeError, match=words):
        _ = read_episode(folder).sensor


def test_a_broken_npz_is_refused(folder):
    (folder / "sensor.npz").write_bytes(b"PK\3\4 no zip")
    with pytest.raises(EpisodeError, match=r"sensor\.npz"):
        _ = read_episode(folder).sensor


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff no jpeg"])
def test_an_image_that_cannot_be_read_is_named(folder, content):
    frame = read_episode(folder).views["wrist"][1]
    frame.path.write_bytes(content)
    with pytest.raises(EpisodeError, match=f"{frame.path.name} is no image"):
        frame.image()


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ("{", "damaged"),
        ("[]", "schema None"),
        ('{"schema": 7}', "schema 7; 1 is allowed"),
        ('{"schema": 1, "views": ["camera_9"]}', "lacks the images of camera_9"),
        ('{"schema": 1, "views": "wrist"}', "a list of names"),
    ],
)
def test_an_episode_json_that_makes_no_sense_is_refused(folder, about, words):
    (folder / "episode.json").write_text(about)
    with pytest.raises(EpisodeError, match=words):
        read_episode(folder)


def test_what_is_no_episode_is_refused(tmp_path):
    with pytest.raises(EpisodeError, match="there is no episode"):
        read_episode(tmp_path / "nowhere")
    with pytest.raises(EpisodeError, match=r"images/<view>/\*\.jpg are needed"):
        read_episode(tmp_path)
    (tmp_path / "images" / "wrist").mkdir(parents=True)
    with pytest.raises(EpisodeError, match="holds no images"):
        read_episode(tmp_path)


def test_views_with_and_without_stamps_are_not_mixed(folder):
    for frame in read_episode(folder).views["wrist"]:
        frame.path.rename(frame.path.with_stem(frame.path.stem[-9:]))
    with pytest.raises(EpisodeError, match="wrist's images tell no time"):
        read_episode(folder)


def test_episodes_are_found_in_their_order(tmp_path):
    for number in (2, 10, 1):
        put_image(tmp_path / f"episode_{number}" / "images" / "wrist" / "0.jpg")
    names = [path.name for path in find_episodes(tmp_path)]
    assert names == ["episode_1", "episode_2", "episode_10"]
    assert find_episodes(tmp_path / "episode_2") == [tmp_path / "episode_2"]
    with pytest.raises(EpisodeError, match="holds no episode"):
        find_episodes(tmp_path / "episode_2" / "images")
