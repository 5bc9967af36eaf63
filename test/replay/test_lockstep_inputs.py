from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from vla_ros.core.errors import BagError, ParameterError
from vla_ros.replay.lockstep_inputs import find_inputs

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
ROBOT = {
    "/sensor": "vla_ros/msg/SensorSamples",
    "/joint_states": "sensor_msgs/msg/JointState",
    "/ee_pose": "geometry_msgs/msg/PoseStamped",
}
CAMERAS = {f"/camera_{number}/image_raw": IMAGE for number in (10, 2, 1)}
BOTH = ("sensor", "robot_states")


def bag(topics, empty=()):
    counts = Counter({topic: int(topic not in empty) for topic in topics})
    return SimpleNamespace(path=Path("run/bag"), topics=topics, counts=counts)


def find(topics, used=BOTH, views=0, most_views=5, empty=(), **named):
    return find_inputs(bag(topics, empty), used, views, most_views, named)


def test_cameras_come_in_the_order_of_their_numbers():
    found = find(CAMERAS | ROBOT)
    assert list(found.views.values()) == ["camera_1", "camera_2", "camera_10"]
    assert found.sensor == "/sensor" and found.instruction == ""
    assert found.all() == [*found.views, "/sensor", "/joint_states", "/ee_pose"]


def test_no_more_views_than_asked_for_or_than_the_checkpoint_takes():
    assert list(find(CAMERAS | ROBOT, views=2).views.values()) == ["camera_1", "camera_2"]
    assert list(find(CAMERAS | ROBOT, most_views=1).views.values()) == ["camera_1"]


def test_namespaces_do_not_matter_and_a_camera_counts_once():
    topics = {f"/lab{topic}": kind for topic, kind in ROBOT.items()} | {
        "/lab/left/image_raw": IMAGE,
        "/lab/left/image_raw/compressed": COMPRESSED,
        "/lab/right/image_raw/compressed": COMPRESSED,
    }
    found = find(topics)
    assert found.views == {
        "/lab/left/image_raw": "left",
        "/lab/right/image_raw/compressed": "right",
    }
    assert found.joint_states == "/lab/joint_states"


def test_other_names_are_given_by_role_and_views_in_their_order():
    topics = CAMERAS | ROBOT | {"/ft": "geometry_msgs/msg/WrenchStamped"}
    found = find(topics, sensor="/ft", wrist="/camera_10/image_raw", top="/camera_1/image_raw")
    assert found.sensor == "/ft"
    assert found.views == {"/camera_10/image_raw": "wrist", "/camera_1/image_raw": "top"}


def test_what_is_missing_is_named_with_what_helps():
    with pytest.raises(BagError) as raised:
        find({"/features": "vla_ros/msg/VlFeatures"})
    said = str(raised.value)
    assert "run/bag lacks images" in said and "record_inputs:=true" in said
    assert "--no-sensor" in said and "--no-robot-states" in said
    assert "--topics ee_pose=TOPIC" in said and "It has: /features" in said


def test_a_topic_without_messages_is_not_there():
    with pytest.raises(BagError, match=r"lacks sensor \(--no-sensor"):
        find(CAMERAS | ROBOT, empty=["/sensor"])


def test_what_the_policy_does_not_use_may_be_missing():
    assert find(CAMERAS, used=()).sensor == ""


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"views": 4}, BagError, "3 Image or CompressedImage topics, 4 needed"),
        ({"views": 6}, ParameterError, "6 views; the checkpoint was made for 5"),
        ({"sensor": "/force"}, ParameterError, "sensor=/force; run/bag has /camera_10"),
        ({"sensor": "/ee_pose"}, ParameterError, "is a geometry_msgs/msg/PoseStamped"),
        ({"wrist": "/sensor"}, ParameterError, "Image or sensor_msgs/msg/CompressedImage is"),
        (
            {"most_views": 1, "a": "/camera_1/image_raw", "b": "/camera_2/image_raw"},
            ParameterError,
            "2 views; the checkpoint was made for 1",
        ),
    ],
)
def test_what_cannot_be_is_named(options, error, said):
    with pytest.raises(error, match=said):
        find(CAMERAS | ROBOT, **options)


def test_two_topics_of_one_name_must_be_told_apart():
    topics = CAMERAS | ROBOT | {"/left/ee_pose": ROBOT["/ee_pose"]}
    with pytest.raises(BagError, match="ee_pose may be /ee_pose or /left/ee_pose; choose"):
        find(topics)
    assert find(topics, ee_pose="/left/ee_pose").ee_pose == "/left/ee_pose"
