from pathlib import Path

import numpy as np
import pytest
from sensor_msgs.msg import JointState

from vla_ros.core.errors import ParameterError
from vla_ros.core.kinematics import Arm
from vla_ros.core.time import NS, Now
from vla_ros.ros.command_output import make_output

URDF = Path(__file__).parents[2] / "config" / "arm.urdf"
HERE = np.array([0.2, 0.3, 0.1, 0.4, 0.6, -0.3])
TWIST = np.array([0.02, -0.01, 0.01, 0.05, 0.0, 0.02])


@pytest.fixture
def arm():
    return Arm.from_urdf(URDF.read_text())


class Captured:
    """Stands in for the node: keeps what is published."""

    def __init__(self):
        self.messages = []

    def create_publisher(self, kind, topic, qos):
        assert topic == "command"
        self.publish = self.messages.append
        return self


def joints(arm, positions):
    extra = ["gripper", *arm.names]
    return JointState(name=extra, position=[9.0, *map(float, positions)])


def now(ms):
    return Now(100 * NS + ms * 1_000_000, ms * 1_000_000)


def test_twist_is_stamped_at_publishing():
    node = Captured()
    make_output(node, "twist", "base_link", None).publish(TWIST, now(20))
    [message] = node.messages
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (100, 20_000_000)
    assert message.header.frame_id == "base_link"
    assert message.twist.linear.y == -0.01 and message.twist.angular.x == 0.05


def test_joint_velocities_move_the_tool_as_the_twist_says(arm):
    node = Captured()
    output = make_output(node, "joint_velocity", "base_link", arm)
    output.publish(TWIST, now(0))
    assert not node.messages  # before the first joint state nothing can be said
    output.on_joints(joints(arm, HERE))
    output.publish(TWIST, now(20))
    moved = arm.jacobian(HERE) @ np.array(node.messages[0].data)
    np.testing.assert_allclose(moved, TWIST, atol=2e-3)


def test_a_trajectory_integrates_to_the_same_motion(arm):
    node = Captured()
    output = make_output(node, "joint_trajectory", "base_link", arm)
    position = HERE.copy()
    for step in range(51):
        output.on_joints(joints(arm, position))
        output.publish(TWIST, now(20 * step))
        position = np.array(node.messages[-1].points[0].positions)
    assert node.messages[-1].joint_names == list(arm.names)
    travelled = arm.forward(position)[:3, 3] - arm.forward(HERE)[:3, 3]
    np.testing.assert_allclose(travelled, TWIST[:3], atol=1e-3)


def test_a_trajectory_does_not_run_away_from_a_blocked_arm(arm):
    node = Captured()
    output = make_output(node, "joint_trajectory", "base_link", arm)
    for step in range(500):
        output.on_joints(joints(arm, HERE))
        output.publish(TWIST, now(20 * step))
    ahead = np.abs(np.array(node.messages[-1].points[0].positions) - HERE)
    assert ahead.max() == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["joint_velocity", "joint_trajectory"])
def test_joint_outputs_need_a_description(name):
    with pytest.raises(ParameterError, match="robot_description"):
        make_output(Captured(), name, "base_link", None)
