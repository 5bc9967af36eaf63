"""The numbers taken from single messages."""

from types import SimpleNamespace as Message

import numpy as np
import pytest

from vla_ros.data.run_log import BAG_OVER, RunLog
from vla_ros.data.table import Table

T0_NS = 1_760_000_000_000_000_000


def at(t_s):
    return T0_NS + round(t_s * 1e9)


def header(t_s):
    return Message(stamp=Message(sec=at(t_s) // 10**9, nanosec=at(t_s) % 10**9))


def diagnostics(name, message="", level=0, t_s=0.0, **values):
    pairs = [Message(key=key, value=value) for key, value in values.items()]
    return Message(
        header=header(t_s),
        status=[Message(name=name, message=message, level=level, hardware_id="", values=pairs)],
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


ACTION_CHUNK = "vla_ros/msg/ActionChunk"
LATENCY = "vla_ros/msg/StageLatency"


def planned(t_s, tick, vx):
    """Return a chunk that moves along x at a constant velocity."""
    ages = {f"{name}_s": 0.0 for name in ("features_age", "sensor_age", "sensor_gap")}
    ages |= {"state_age_s": 0.0, "state_gap_s": 0.0, "view_age_s": [], "view_skew_s": []}
    data = np.tile([0.1 * vx, 0, 0, 0, 0, 0], (8, 1)).ravel()
    plan = {"horizon": 8, "dim": 6, "dt_s": 0.1, "data": data}
    return Message(header=header(t_s), tick=tick, mode=1, views=[], **ages, **plan)


def played(t_s, tick):
    """Return what the command node reports with a chunk's first command."""
    stages = {"stages": ["camera_to_command"], "start_ms": [-500.0], "duration_ms": [501.0]}
    trace = {"trace_id": f"ab12:7/{tick}", "cycle": tick, "missed": 0}
    return Message(header=header(t_s), node="command", **trace, **stages)


def test_a_seam_lies_where_the_command_node_goes_over_to_the_next_chunk():
    log = RunLog()
    for tick, vx in enumerate((0.01, 0.03, 0.02)):
        log.add(ACTION_CHUNK, at(0.1 * tick + 0.004), planned(0.1 * tick, tick, vx))
        log.add(LATENCY, at(0.1 * tick + 0.02), played(0.1 * tick + 0.018, tick))
    assert log.seams["t_s"] == pytest.approx([0.114, 0.214])
    assert log.seams["linear"] == pytest.approx([0.02, 0.01], rel=1e-5)
    assert log.seams["position"] == pytest.approx([0.02 * 0.018, 0.01 * 0.018], rel=1e-4)
    assert not log.unreadable


def test_a_chunk_that_was_never_played_and_one_after_a_hold_make_no_seam():
    log = RunLog()
    for tick, vx in enumerate((0.01, 0.09, 0.01)):
        log.add(ACTION_CHUNK, at(0.1 * tick), planned(0.1 * tick, tick, vx))
    log.add(LATENCY, at(0.25), played(0.25, 0))
    log.add(LATENCY, at(0.26), played(0.26, 2))  # 1 was replaced before its first command
    assert log.seams["linear"] == pytest.approx([0.0], abs=1e-7)
    log.add(DIAGNOSTICS, at(0.3), diagnostics("command", "no new chunk", mode="HOLD"))
    log.add(ACTION_CHUNK, at(0.3), planned(0.3, 3, 0.05))
    log.add(LATENCY, at(0.31), played(0.31, 3))
    assert len(log.seams) == 1


def test_the_sensor_s_samples_are_counted_where_they_are():
    log = RunLog()
    for first_index in (0, 13, 39):
        batch = Message(channels=3, data=np.zeros(39), first_index=first_index, rate_hz=650.0)
        log.add("vla_ros/msg/SensorSamples", at(0), batch)
    assert (log.sensor.batches, log.sensor.samples, log.sensor.lost) == (3, 39, 13)


def test_a_twist_keeps_its_velocities_and_a_joint_command_has_none():
    log = RunLog()
    linear, angular = Message(x=0.3, y=0.0, z=0.4), Message(x=1.0, y=2.0, z=3.0)
    twist = Message(header=header(0), twist=Message(linear=linear, angular=angular))
    log.add("geometry_msgs/msg/TwistStamped", at(0), twist)
    log.add("std_msgs/msg/Float64MultiArray", at(1), Message(data=[0.6, 0.8]))
    assert log.commands["speed"] == pytest.approx([0.5, 1.0])
    assert log.commands["wz"] == pytest.approx([3.0, np.nan], nan_ok=True)


def test_counters_of_diagnostics_are_kept_over_time():
    log = RunLog()
    for t_s in range(3):
        counts = {"camera_1.received": str(10 * t_s), "encodes": "7", "lag.p50_ms": "0.1"}
        late_s = 0.4 * (t_s == 1)
        log.add(DIAGNOSTICS, at(t_s + late_s), diagnostics("vl_encoder", t_s=t_s, **counts))
    assert list(log.counters) == [("vl_encoder", "camera_1.received")]
    rows = log.counters["vl_encoder", "camera_1.received"]
    assert rows["t_s"] == pytest.approx([0, 1, 2])
    assert rows["count"] == pytest.approx([0, 10, 20])


def test_what_nodes_do_when_the_bag_is_over_is_not_the_run():
    log = RunLog()
    log.add(DIAGNOSTICS, at(0), diagnostics("action", "fine", mode="RUNNING"))
    log.add(DIAGNOSTICS, at(1), diagnostics("bag_source", BAG_OVER, **{"camera_1.sent": "10"}))
    late = diagnostics("action", "sensor is too old", mode="HOLD", **{"camera_1.used": "9"})
    log.add(DIAGNOSTICS, at(2), late)
    log.add("sensor_msgs/msg/Image", at(3), None)
    assert [change.mode for change in log.modes] == ["RUNNING"]
    assert log.counters["action", "camera_1.used"]["count"].tolist() == [9.0]
    assert log.duration_s == 1.0
