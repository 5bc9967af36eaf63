"""What commands make of the arm, stepped by hand."""

import numpy as np
import pytest

from vla_ros.core.errors import SimError
from vla_ros.sim.simulation import Simulation
from vla_ros.sim.world import ARM_JOINTS

SECOND = 1300  # physics steps


def last_state(simulation, steps):
    return simulation.advance(steps).states[-1]


def driven(simulation, command, seconds):
    """Repeat a command 50 times a second."""
    for _ in range(round(seconds * 50)):
        command()
        state = last_state(simulation, SECOND // 50)
    return state


def test_rests_at_home():
    simulation = Simulation()
    start = last_state(simulation, 1)
    end = last_state(simulation, SECOND)
    np.testing.assert_allclose(end.position, start.position, atol=1e-4)
    np.testing.assert_allclose(end.tip[:3], [0.2, 0, 0.1], atol=1e-4)
    # The needle points down: half a turn about a horizontal axis.
    assert np.hypot(*end.tip[3:5]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("sign", [-1, 1])
def test_twist_moves_the_tip_that_way(axis, sign):
    simulation = Simulation()
    start = last_state(simulation, 1)
    twist = np.zeros(6)
    twist[axis] = 0.02 * sign
    end = driven(simulation, lambda: simulation.robot.twist(twist), 1.0)
    moved = end.tip[:3] - start.tip[:3]
    assert moved[axis] == pytest.approx(0.02 * sign, rel=0.05)
    assert np.linalg.norm(np.delete(moved, axis)) < 5e-4
    assert abs(end.tip[3:] @ start.tip[3:]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("axis", range(3))
def test_twist_turns_the_tip_on_the_spot(axis):
    simulation = Simulation()
    start = last_state(simulation, 1)
    twist = np.zeros(6)
    twist[3 + axis] = -0.3  # the other way is out of reach
    end = driven(simulation, lambda: simulation.robot.twist(twist), 1.0)
    x, y, z, w = start.tip[3:]
    back = np.array([-x, -y, -z, w])
    vector, real = product(end.tip[3:], back)
    turned = 2 * np.arctan2(vector, real * np.ones(3))
    assert turned[axis] == pytest.approx(-0.3, rel=0.05)
    assert np.linalg.norm(np.delete(turned, axis)) < 0.01
    assert np.linalg.norm(end.tip[:3] - start.tip[:3]) < 5e-4


def product(a, b):
    vector = a[3] * b[:3] + b[3] * a[:3] + np.cross(a[:3], b[:3])
    real = a[3] * b[3] - a[:3] @ b[:3]
    return (vector, real) if real > 0 else (-vector, -real)


def test_twist_stops_by_itself():
    simulation = Simulation(command_timeout_s=0.2)
    simulation.advance(13)
    simulation.robot.twist([0, 0.02, 0, 0, 0, 0])
    states = simulation.advance(SECOND).states
    speeds = np.array([np.abs(state.velocity[:6]).max() for state in states])
    times = np.array([state.step for state in states]) / SECOND - 0.01
    assert speeds[(times > 0.1) & (times < 0.2)].min() > 0.02
    # The servos follow their set points within some 20 ms.
    assert speeds[times > 0.35].max() < 1e-3
    moved = states[-1].tip[1] - states[0].tip[1]
    assert moved == pytest.approx(0.02 * 0.2, rel=0.05)


def test_time_that_was_skipped_ages_a_command():
    simulation = Simulation(command_timeout_s=0.2)
    simulation.advance(13)
    simulation.robot.twist([0, 0.02, 0, 0, 0, 0])
    simulation.skip(SECOND)
    end = last_state(simulation, SECOND)
    assert abs(end.tip[1]) < 1e-4


def test_joint_velocity():
    simulation = Simulation()
    start = last_state(simulation, 1)
    wanted = np.array([0.1, -0.05, 0.05, 0.2, -0.1, 0.3])
    end = driven(simulation, lambda: simulation.robot.joint_velocity(wanted), 1.0)
    np.testing.assert_allclose(end.position[:6] - start.position[:6], wanted, rtol=0.05)
    np.testing.assert_allclose(end.velocity[:6], wanted, rtol=0.02, atol=1e-3)


def test_joints_never_turn_faster_than_they_may():
    simulation = Simulation()
    fastest = simulation.model.jnt_user[:6, 0]
    simulation.robot.joint_velocity(np.array([10, 0, 0, 0, 0, 100.0]))
    velocities = [state.velocity[:6] for state in simulation.advance(SECOND // 5).states]
    assert np.all(np.abs(velocities) < 1.05 * fastest)
    # Slowed down together: joint 6 at its limit, joint 1 at a tenth of that.
    np.testing.assert_allclose(velocities[-1][[0, 5]], fastest[5] * np.array([0.1, 1]), rtol=0.05)


def test_joints_stay_within_their_limits():
    simulation = Simulation()
    end = driven(simulation, lambda: simulation.robot.joint_velocity([0, 0, 0, 0, 3, 0]), 1.0)
    assert end.position[4] == pytest.approx(2.0071, abs=5e-3)


def test_trajectory_passes_its_points_in_time_and_holds_the_last():
    simulation = Simulation()
    home = last_state(simulation, 1).position[:6]
    points = home + np.array([[0.1, 0, 0, 0, 0, 0], [0.1, 0.05, 0, 0, 0, 0.2]])
    simulation.robot.trajectory([0.5, 1.0], points)
    first = last_state(simulation, SECOND // 2).position[:6]
    last = last_state(simulation, SECOND).position[:6]
    np.testing.assert_allclose(first, points[0], atol=0.01)
    np.testing.assert_allclose(last, points[1], atol=1e-3)


def test_position_target_without_a_time():
    simulation = Simulation()
    goal = last_state(simulation, 1).position[:6] + 0.2
    simulation.robot.trajectory([0], [goal])
    np.testing.assert_allclose(last_state(simulation, SECOND).position[:6], goal, atol=1e-3)


def test_gripper_closes_and_opens_the_clamp():
    simulation = Simulation()
    simulation.robot.gripper(1.0)
    assert last_state(simulation, SECOND).position[6] == pytest.approx(0.003, abs=1e-4)
    simulation.robot.gripper(0.0)
    assert last_state(simulation, SECOND).position[6] == pytest.approx(0, abs=1e-4)


BAD = {
    "twist": [([0, 0, np.nan, 0, 0, 0],), ([0, 0, 0],), ([np.inf] * 6,)],
    "joint_velocity": [([0] * 7,), ([np.nan] * 6,), ([],)],
    "trajectory": [
        ([0.1], [[0] * 5]),
        ([np.nan], [[0] * 6]),
        ([0.2, 0.1], [[0] * 6] * 2),
        ([-1.0], [[0] * 6]),
        ([0.1, 0.2], [[0] * 6]),
    ],
    "gripper": [(np.nan,), ([0.5],)],
}


@pytest.mark.parametrize(
    ("command", "values"), [(name, values) for name in BAD for values in BAD[name]]
)
def test_unsound_commands_are_refused_and_stop_the_arm(command, values):
    simulation = Simulation()
    simulation.robot.twist([0, 0.02, 0, 0, 0, 0])
    simulation.advance(100)
    with pytest.raises(SimError, match="allowed"):
        getattr(simulation.robot, command)(*values)
    assert simulation.robot.refused == 1
    before = last_state(simulation, 100)
    after = last_state(simulation, 100)
    np.testing.assert_allclose(after.position, before.position, atol=1e-4)


def test_six_named_joints():
    assert len(ARM_JOINTS) == 6
    assert [Simulation().model.joint(i).name for i in range(6)] == list(ARM_JOINTS)
