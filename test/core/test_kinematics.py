from pathlib import Path

import numpy as np
import pytest

from vla_ros.core.errors import ParameterError
from vla_ros.core.kinematics import Arm

URDF = """<robot name="r"><link name="base"/><link name="l1"/><link name="l2"/><link name="tip"/>
<joint name="j1" type="revolute"><parent link="base"/><child link="l1"/>
  <origin xyz="0 0 0.1"/><axis xyz="0 0 1"/><limit lower="-1" upper="1" velocity="2"/></joint>
<joint name="j2" type="revolute"><parent link="l1"/><child link="l2"/>
  <origin xyz="0.2 0 0" rpy="0.3 -0.2 0.1"/><axis xyz="0 1 0"/>
  <limit lower="-2" upper="2" velocity="3"/></joint>
<joint name="end" type="fixed"><parent link="l2"/><child link="tip"/><origin xyz="0.1 0 0"/></joint>
</robot>"""
EMBEDDED = Path(__file__).parents[2] / "config" / "arm.urdf"


def numeric_jacobian(arm, positions):
    step, columns = 1e-6, []
    for joint in range(len(positions)):
        ahead, behind = positions.copy(), positions.copy()
        ahead[joint] += step
        behind[joint] -= step
        a, b = arm.forward(ahead), arm.forward(behind)
        spin = (a[:3, :3] - b[:3, :3]) / (2 * step) @ arm.forward(positions)[:3, :3].T
        turn = [spin[2, 1], spin[0, 2], spin[1, 0]]
        columns.append(np.concatenate([(a[:3, 3] - b[:3, 3]) / (2 * step), turn]))
    return np.stack(columns, axis=1)


def test_forward_by_hand():
    arm = Arm.from_urdf(URDF.replace("0.3 -0.2 0.1", "0 0 0"))
    np.testing.assert_allclose(arm.forward(np.zeros(2))[:3, 3], [0.3, 0, 0.1], atol=1e-12)
    pose = arm.forward(np.array([np.pi / 2, np.pi / 2]))
    np.testing.assert_allclose(pose[:3, 3], [0, 0.2, 0.0], atol=1e-12)


@pytest.mark.parametrize("urdf", [URDF, EMBEDDED.read_text()], ids=["two joints", "embedded arm"])
def test_the_jacobian_is_the_derivative(urdf):
    arm = Arm.from_urdf(urdf)
    random = np.random.default_rng(0)
    for _ in range(5):
        positions = random.uniform(-0.8, 0.8, len(arm.names))
        expected = numeric_jacobian(arm, positions)
        np.testing.assert_allclose(arm.jacobian(positions), expected, atol=1e-6)


def test_joint_velocities_move_the_tool_as_wanted():
    arm = Arm.from_urdf(EMBEDDED.read_text())
    positions = np.array([0.2, 0.3, 0.1, 0.4, 0.6, -0.3])
    twist = np.array([0.01, -0.02, 0.01, 0.05, 0.0, -0.05])
    moved = arm.jacobian(positions) @ arm.joint_velocity(positions, twist, damping=1e-6)
    np.testing.assert_allclose(moved, twist, atol=1e-6)


def test_joint_speed_is_limited_as_a_whole():
    arm = Arm.from_urdf(URDF)
    fast = arm.joint_velocity(np.zeros(2), np.array([0, 100.0, 0, 0, 0, 100.0]))
    assert np.max(np.abs(fast) / [2, 3]) == pytest.approx(1.0)


def test_a_joint_at_its_limit_stops_the_arm():
    arm = Arm.from_urdf(URDF)
    at_limit = np.array([1.0, 0.0])
    assert not arm.joint_velocity(at_limit, np.array([0, 1.0, 0, 0, 0, 0])).any()
    assert arm.joint_velocity(at_limit, np.array([0, -1.0, 0, 0, 0, 0]))[0] < 0


def test_joints_are_picked_by_name():
    arm = Arm.from_urdf(URDF)
    assert arm.positions(["x", "j2", "j1"], [9.0, 2.0, 1.0]).tolist() == [1.0, 2.0]
    assert arm.positions(["j1"], [1.0]) is None


@pytest.mark.parametrize(
    ("urdf", "words"),
    [
        ("not xml", "not XML"),
        (URDF.replace('type="revolute"', 'type="prismatic"', 1), "'j1' is 'prismatic'"),
        (URDF.replace('<parent link="base"/>', "", 1), "'j1' of the URDF has no parent"),
    ],
)
def test_bad_descriptions_are_named(urdf, words):
    with pytest.raises(ParameterError, match=words):
        Arm.from_urdf(urdf)


def test_an_unknown_tip_is_named():
    with pytest.raises(ParameterError, match="'hand'; there are: l1, l2, tip"):
        Arm.from_urdf(URDF, tip="hand")
