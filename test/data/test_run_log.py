"""The numbers taken from single messages."""

from types import SimpleNamespace as Message

import numpy as np
import pytest

from vla_ros.data.run_log import RunLog
from vla_ros.data.table import Table

T0_NS = 1_760_000_000_000_000_000


def at(t_s):
    return T0_NS + round(t_s * 1e9)


def header(t_s):
    return Message(stamp=Message(sec=at(t_s) // 10**9, nanosec=at(t_s) % 10**9))


def diagnostics(name, message="", level=0, **values):
    pairs = [Message(key=key, value=value) for key, value in values.items()]
    return Message(
        status=[Message(name=name, message=message, level=level, hardware_id="", values=pairs)]
    )


DIAGNOSTICS = "diagnostic_msgs/msg/DiagnosticArray"
TRAJECTORY = "trajectory_msgs/msg/JointTrajectory"


def test_table_gives_columns_and_their_ends():
    table = Table("t_s", "age_s")
    for row in range(5):
        table.append(row, row * 10)
    assert len(table) == 5
    np.testing.assert_array_equal(table["age_s"], [0, 10, 20, 30, 40])
    np.testing.assert_array_equal(table.since("t_s", 3), [3, 4])
    with pytest.raises(ValueError, match="t_s, age_s"):
        table.append(1.0)


def test_speed_of_a_trajectory_without_velocities_is_the_way_over_time():
    log = RunLog()
    for t_s, position in ((0.0, 0.0), (0.1, 0.3), (0.1, 0.3), (0.3, 0.3)):
        point = Message(positions=[position, 0.0], velocities=[])
        log.add(TRAJECTORY, at(t_s), Message(points=[point]))
    assert log.commands["speed"] == pytest.approx([0.0, 3.0, 0.0, 0.0])
    assert log.speed_unit == "rad/s"


def test_speed_of_a_trajectory_with_velocities_is_theirs():
    log = RunLog()
    point = Message(positions=[1.0, 1.0], velocities=[3.0, 4.0])
    log.add(TRAJECTORY, at(0), Message(points=[point]))
    log.add(TRAJECTORY, at(1), Message(points=[]))
    log.add("std_msgs/msg/Float64MultiArray", at(2), Message(data=[0.6, 0.8]))
    assert log.commands["speed"] == pytest.approx([5.0, 1.0])
    assert log.duration_s == 2.0


def test_each_mode_is_noted_once_with_its_reason():
    log = RunLog()
    told = [
        ("RUNNING", "inputs are sound"),
        ("RUNNING", "inputs are sound"),
        ("HOLD", "features 5.1 s old"),
        ("HOLD", "features 6.1 s old"),
        ("RUNNING", "inputs are sound"),
    ]
    for t_s, (mode, reason) in enumerate(told):
        log.add(DIAGNOSTICS, at(t_s), diagnostics("command", reason, mode=mode))
    assert [(m.t_s, m.mode, m.reason) for m in log.modes] == [
        (0.0, "RUNNING", "inputs are sound"),
        (2.0, "HOLD", "features 5.1 s old"),
        (4.0, "RUNNING", "inputs are sound"),
    ]


def test_diagnostics_keep_their_last_values_and_name_their_process():
    log = RunLog()
    log.add(DIAGNOSTICS, at(0), diagnostics("sim", "fine", **{"camera_1.sent": "9", "pid": "77"}))
    log.add(DIAGNOSTICS, at(1), diagnostics("sim", "slow", 1, **{"camera_1.sent": "19"}))
    assert log.diagnostics == {
        "sim": {"level": 1, "message": "slow", "values": {"camera_1.sent": "19"}}
    }
    assert log.pids == {"sim": 77}


def test_processes_are_a_table_and_no_diagnostics():
    log = RunLog()
    for t_s in range(3):
        usage = diagnostics("process sim", pid="77", cpu_s=str(0.5 * t_s), rss_mb="120.5")
        log.add(DIAGNOSTICS, at(t_s), usage)
    assert log.diagnostics == {}
    assert log.processes["sim"]["cpu_s"] == pytest.approx([0.0, 0.5, 1.0])


def test_a_message_of_another_version_is_counted_and_does_no_harm():
    log = RunLog()
    log.add("vla_ros/msg/StageLatency", at(0), Message(header=header(0)))
    log.add(
        "vla_ros/msg/StageLatency",
        at(1),
        Message(
            header=header(1),
            node="action",
            cycle=1,
            missed=0,
            stages=["action", "publish"],
            start_ms=[0.0, 4.0],
            duration_ms=[4.0],
        ),
    )
    assert log.unreadable == {"vla_ros/msg/StageLatency": 2}
    assert log.nodes == []
