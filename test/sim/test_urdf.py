"""config/arm.urdf and the scene describe the same arm."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import mujoco
import numpy as np
import pytest

from vla_ros.sim.world import ARM_JOINTS, BASE_FRAME, TIP, at_home, load

URDF = ElementTree.parse(Path(__file__).parents[2] / "config" / "arm.urdf").getroot()


def numbers(element, attribute):
    text = element.get(attribute) if element is not None else None
    return np.array([float(part) for part in (text or "0 0 0").split()])


def rotation(axis, angle):
    matrix = np.zeros(9)
    quaternion = np.zeros(4)
    mujoco.mju_axisAngle2Quat(quaternion, np.asarray(axis, float), angle)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)


def forward(angles):
    """Walk the URDF from its base to its tip: (4, 4)."""
    by_parent = {joint.find("parent").get("link"): joint for joint in URDF.findall("joint")}
    pose, link, left = np.eye(4), BASE_FRAME, dict(angles)
    while link in by_parent:
        joint = by_parent[link]
        origin = joint.find("origin")
        roll, pitch, yaw = numbers(origin, "rpy")
        step = np.eye(4)
        step[:3, :3] = (
            rotation([0, 0, 1], yaw) @ rotation([0, 1, 0], pitch) @ rotation([1, 0, 0], roll)
        )
        step[:3, 3] = numbers(origin, "xyz")
        if joint.get("type") != "fixed":
            angle = left.pop(joint.get("name"))
            step[:3, :3] = step[:3, :3] @ rotation(numbers(joint.find("axis"), "xyz"), angle)
        pose, link = pose @ step, joint.find("child").get("link")
    assert link == TIP and not left
    return pose


@pytest.mark.parametrize("seed", range(20))
def test_tip_pose(seed):
    model = load(1300)
    data = at_home(model)
    low, high = model.jnt_range[:6].T
    angles = np.random.default_rng(seed).uniform(low, high)
    data.qpos[:6] = angles
    mujoco.mj_kinematics(model, data)
    pose = forward(zip(ARM_JOINTS, angles))
    np.testing.assert_allclose(data.site(TIP).xpos, pose[:3, 3], atol=1e-6)
    np.testing.assert_allclose(data.site(TIP).xmat.reshape(3, 3), pose[:3, :3], atol=1e-6)


@pytest.mark.parametrize("name", ARM_JOINTS)
def test_limits(name):
    model = load(1300)
    limit = URDF.find(f"joint[@name='{name}']/limit")
    joint = model.joint(name)
    assert [float(limit.get("lower")), float(limit.get("upper"))] == list(joint.range)
    assert float(limit.get("velocity")) == joint.user[0]
    assert float(limit.get("effort")) == model.actuator(name).forcerange[1]


def test_reach_is_that_of_the_arm():
    # Shoulder to wrist centre, arm stretched, plus the wrist to the flange: 0.33 m.
    model = load(1300)
    upper, elbow = model.body("link_3").pos[2], model.body("link_4").pos
    forearm = np.hypot(elbow[0] + model.body("link_5").pos[0], elbow[2])
    assert upper + forearm + model.body("link_6").pos[0] == pytest.approx(0.33, abs=2e-3)
