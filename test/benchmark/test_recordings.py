import hashlib
from dataclasses import replace

import numpy as np
import pytest
from conftest import PERIOD_NS, made_up, samples

from vla_ros.benchmark.recordings import FrameSets, window
from vla_ros.core.errors import ParameterError
from vla_ros.data.episodes import Samples
from vla_ros.models.config import WindowConfig

CONFIG = WindowConfig(window=4, channels=2, rate_hz=100.0, width=8, dim=8)


def test_a_window_ends_at_its_time() -> None:
    held = samples(100.0, 2)
    rows = (window(held, CONFIG, 50_000_000, "sensor")[:, 0] * len(held.values)).round()
    assert rows.tolist() == [2, 3, 4, 5]
    rows = (window(held, CONFIG, 59_999_999, "sensor")[:, 0] * len(held.values)).round()
    assert rows.tolist() == [2, 3, 4, 5]


def test_before_the_recording_stands_its_first_sample() -> None:
    held = samples(100.0, 2)
    rows = (window(held, CONFIG, 10_000_000, "sensor")[:, 0] * len(held.values)).round()
    assert rows.tolist() == [0, 0, 0, 1]
    assert window(held, CONFIG, -5, "sensor").shape == (4, 2)


def test_samples_that_do_not_fit() -> None:
    with pytest.raises(ParameterError, match="sensor of the recording has 3 channels; .* takes 2"):
        window(samples(100.0, 3), CONFIG, 0, "sensor")
    with pytest.raises(ParameterError, match="no robot_states; --disable-robot-states measures"):
        window(None, CONFIG, 0, "robot_states")


def test_of_more_joints_the_first_count() -> None:
    values = np.arange(13, dtype=np.float32)[None].repeat(4, 0)
    held = Samples(np.arange(4) * 10_000_000, values, 100.0)
    robot = replace(CONFIG, channels=12)
    assert window(held, robot, 30_000_000, "robot_states")[-1].tolist() == [
        *range(6),
        *range(7, 13),
    ]


def test_images_of_a_set_are_the_nearest_in_time() -> None:
    recording = made_up(cameras=2)
    late = recording.views["camera_2"]
    for frame in late:
        frame.stamp_ns += int(0.7 * PERIOD_NS)  # nearer to the next one of the first camera
    sets = FrameSets(recording, ["camera_1", "camera_2"], "native")
    assert len(sets) == 5
    assert sets[1].images[1] is late[0].pixels
    wanted = hashlib.sha256(late[0].pixels.tobytes()).hexdigest()
    assert sets[1].hashes[1] == wanted and sets[1].stamp_ns == 3 * PERIOD_NS


def test_images_are_resized() -> None:
    sets = FrameSets(made_up(), ["camera_1"], "64x48")
    [image] = sets[0].images
    assert image.shape == (48, 64, 3)
    assert abs(float(image.mean()) - 127.5) < 5  # of noise
    assert sets[0].hashes != FrameSets(made_up(), ["camera_1"], "native")[0].hashes


def test_cameras_of_other_names_stand_in_by_place() -> None:
    recording = made_up(cameras=3)
    sets = FrameSets(recording, ["front", "side"], "native")
    assert np.array_equal(sets[0].images[1], recording.views["camera_2"][0].pixels)


def test_too_few() -> None:
    with pytest.raises(ParameterError, match=r"has 2 \(camera_1, camera_2\); num-views 1 to 2"):
        FrameSets(made_up(cameras=2), ["a", "b", "c"], "native")
    with pytest.raises(ParameterError, match="1 frames; 2 or more are needed"):
        FrameSets(made_up(frames=1), ["camera_1"], "native")
