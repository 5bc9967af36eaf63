"""What the command node does with messages that nobody should send: it holds, and lives."""

import math

import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import PoseStamped

from vla_ros.msg import ActionChunk
from vla_ros.nodes.command import CommandNode
from vla_ros.ros.convert import floats, now


@pytest.fixture
def node():
    rclpy.init(args=["--ros-args", "-p", "realtime_priority:=0"])
    made = CommandNode()
    yield made
    made.destroy_node()
    rclpy.try_shutdown()


def chunk(node, **changes):
    fields = {"horizon": 8, "dim": 7, "dt_s": 0.1, "mode": 1, "features_age_s": 0.5}
    fields |= {"sensor_age_s": 0.01, "state_age_s": 0.01, **changes}
    data = fields.pop("data", np.tile([0.001, 0, 0, 0, 0, 0, 0.5], (8, 1)))
    message = ActionChunk(data=floats(np.asarray(data)), **fields)
    message.header.stamp = node.get_clock().now().to_msg()
    message.header.frame_id = "base_link"
    return message


def pose(node, z=0.2):
    message = PoseStamped()
    message.header.stamp = node.get_clock().now().to_msg()
    message.pose.position.x, message.pose.position.z = 0.1, z
    return message


def verdict(node):
    moment = now(node)
    command = node._controller.step(moment.steady_ns, node._fresh_position(moment))
    assert np.isfinite(command.velocity).all()
    return command.verdict


@pytest.mark.parametrize(
    "changes",
    [
        {"features_age_s": math.nan},
        {"features_age_s": math.inf},
        {"dt_s": math.nan},
        {"dt_s": 0.0},
        {"dt_s": math.inf},
        {"horizon": 0, "data": []},
        {"dim": 6},
        {"data": np.full((8, 7), math.nan)},
        {"sensor_age_s": math.inf},
    ],
    ids=str,
)
def test_an_unsound_chunk_holds_until_a_sound_one(node, changes):
    node._on_pose(pose(node))
    node._on_chunk(chunk(node))
    assert verdict(node).mode.name == "RUNNING"
    node._on_chunk(chunk(node, **changes))
    assert verdict(node).mode.name == "HOLD"
    node._on_chunk(chunk(node))
    assert verdict(node).mode.name == "RUNNING"


def test_a_pose_that_is_not_finite_says_nothing(node):
    node._on_chunk(chunk(node))
    node._on_pose(pose(node, z=math.nan))
    assert "position" in verdict(node).reason


def latencies(node, monkeypatch):
    told = []
    monkeypatch.setattr(node._reporter, "latency", lambda *report: told.append(report))
    return told


def test_latency_is_reported_with_a_chunk_s_first_command_and_only_then(node, monkeypatch):
    told = latencies(node, monkeypatch)
    node._on_pose(pose(node))
    node._on_chunk(chunk(node, tick=3))
    assert not told  # a chunk that has come is not a command yet
    node._tick()
    node._tick()
    node._on_chunk(chunk(node, tick=4, sensor_age_s=math.nan))
    node._tick()
    (first, number, _, stages), (second, following, _, without_sensor) = told
    assert (first, number, second, following) == (":0/3", 1, ":0/4", 2)
    taken_s = {stage.name: stage.duration_ns / 1e9 for stage in stages}
    assert list(taken_s) == ["camera_to_command", "sensor_to_command"]
    # Both end when the command was published, and begin as far apart as their ages say.
    assert taken_s["camera_to_command"] - taken_s["sensor_to_command"] == pytest.approx(0.49)
    assert taken_s["sensor_to_command"] > 0.01
    assert [stage.name for stage in without_sensor] == ["camera_to_command"]


def test_a_chunk_that_is_held_has_no_latency_until_it_is_played(node, monkeypatch):
    told = latencies(node, monkeypatch)
    node._on_chunk(chunk(node))
    node._tick()  # the tool's position is not known
    assert not told
    node._on_pose(pose(node))
    node._tick()
    assert len(told) == 1
