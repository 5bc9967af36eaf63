"""What a summary makes of a log whose numbers are known."""

import json

import numpy as np
import pytest
from known_run import commands, counters, good_run, ticks

from vla_ros.data.run_log import RunLog
from vla_ros.report.summary import summarize, table


def test_a_summary_of_nothing_is_json_and_has_every_key():
    empty, full = summarize(RunLog()), summarize(good_run())
    assert empty.keys() == full.keys()
    for found in (empty, full):
        assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert "features - Hz" in table(empty)


def test_the_command_s_period_its_jitter_gaps_and_missed_deadlines():
    log = RunLog()
    times_s = np.delete(np.arange(500) * 0.02, [100, 200, 201])
    times_s[50] += 0.004
    commands(log, times_s)
    period = summarize(log)["command_period"]
    assert period["nominal_ms"] == pytest.approx(20.0)
    assert (period["commands"], period["deadlines_missed"]) == (497, 3)
    assert period["longest_gap_ms"] == pytest.approx(60.0)
    deviations_ms = np.diff(times_s) * 1e3 - 20.0
    assert period["jitter_ms"] == pytest.approx(np.std(deviations_ms))
    assert period["error_ms"]["max"] == pytest.approx(40.0)
    assert period["error_ms"]["p99_9"] == pytest.approx(
        np.quantile(np.abs(deviations_ms), 0.999), rel=1e-6
    )


def test_a_node_s_own_rate_is_the_nominal_one():
    """A command node that is too slow throughout looks steady by itself."""
    log = RunLog()
    commands(log, np.arange(200) * 0.025)
    assert summarize(log)["command_period"]["nominal_ms"] == pytest.approx(25.0)
    log.diagnostics["command"] = {"level": 0, "message": "", "values": {"rate_hz": "50.0"}}
    period = summarize(log)["command_period"]
    assert (period["nominal_ms"], period["rate_hz"]) == pytest.approx((20.0, 40.0))


def test_a_tick_that_was_skipped_is_a_missed_deadline_and_no_error_of_the_grid():
    log = RunLog()
    ticks(log, skipped=[50])
    period = summarize(log)["chunk_period"]
    assert (period["ticks_without_chunk"], period["deadlines_missed"]) == (1, 1)
    assert period["longest_gap_ms"] == pytest.approx(200.0)
    assert period["error_ms"]["max"] == pytest.approx(0.0, abs=1e-6)


def test_cameras_count_from_when_the_encoder_listened():
    camera = summarize(good_run())["cameras"]["camera_1"]
    assert (camera["sent"], camera["received"], camera["lost"]) == (220, 190, 0)
    assert (camera["lost_percent"], camera["used"]) == (0.0, 20)


def test_every_second_frame_lost_is_noticed_though_the_stamps_are_evenly_spaced():
    log = RunLog()
    for t_s in range(20):
        counters(log, "sim", t_s + 0.3, **{"camera_1.sent": 10 * t_s})
        if t_s >= 5:
            seen = {"camera_1.received": 5 * (t_s - 5), "camera_1.lost": 0}
            counters(log, "vl_encoder", t_s, **seen)
    camera = summarize(log)["cameras"]["camera_1"]
    assert camera["lost"] == pytest.approx(65, abs=2)  # of the 130 from the first second on
    assert camera["lost_percent"] == pytest.approx(50.0, abs=3)


def test_what_was_lost_before_the_first_chunk_is_counted_but_is_no_share():
    log = RunLog()
    log.chunks.append(5.0, 0, 1, *[0.1] * 5)
    for t_s in range(11):
        counts = {"sensor.samples": 650 * t_s, "sensor.lost": min(100 * t_s, 500)}
        counters(log, "action", t_s, **counts)
        seen = {"camera_1.received": 10 * t_s, "camera_1.lost": 3 if t_s < 8 else 5}
        counters(log, "vl_encoder", t_s, **seen)
    found = summarize(log)
    assert (found["sensor"]["lost"], found["sensor"]["lost_percent"]) == (500, 0.0)
    camera = found["cameras"]["camera_1"]
    assert (camera["lost"], camera["lost_percent"]) == (5, pytest.approx(100 * 2 / 52))


def test_a_source_that_goes_on_after_the_encoder_has_lost_nothing():
    log = RunLog()
    for t_s in range(60):
        counters(log, "sim", t_s, **{"camera_1.sent": 10 * t_s})
    for t_s in range(20):
        counters(log, "vl_encoder", t_s, **{"camera_1.received": 10 * t_s, "camera_1.lost": 1})
    assert summarize(log)["cameras"]["camera_1"]["lost"] == 1


def test_the_sensor_is_told_by_the_action_node_or_else_by_the_bag():
    log = RunLog()
    log.sensor.add(13, 0)
    log.sensor.add(13, 26)
    alone = summarize(log)["sensor"]
    assert (alone["samples"], alone["lost"], alone["rate_hz"]) == (26, 13, None)
    for t_s in range(10):
        counters(log, "action", t_s, **{"sensor.samples": 650 * t_s, "sensor.lost": t_s})
    told = summarize(log)["sensor"]
    assert (told["samples"], told["lost"], told["rate_hz"]) == (5850, 9, pytest.approx(650.0))
    assert told["lost_percent"] == pytest.approx(100 * 9 / 5859)


def test_acceleration_and_jerk_of_a_known_motion():
    """At x = t^3 / 6 the jerk is 1 m/s^3 throughout and the acceleration is t."""
    log = RunLog()
    times_s = np.arange(101) * 0.02
    velocities = np.stack([times_s**2 / 2, 0 * times_s, 0 * times_s], axis=1)
    commands(log, times_s, velocities)
    motion = summarize(log)["motion"]
    assert motion["jerk_m_s3"]["p50"] == pytest.approx(1.0)
    assert motion["jerk_m_s3_rms"] == pytest.approx(1.0)
    assert motion["acceleration_m_s2"]["max"] == pytest.approx(1.99)
    assert motion["angular_jerk_rad_s3"]["max"] == 0.0


def test_a_command_that_comes_early_after_a_late_one_is_no_jolt():
    even, uneven = RunLog(), RunLog()
    times_s = np.arange(100) * 0.02
    velocities = np.stack([times_s, times_s, times_s], axis=1)
    commands(even, times_s, velocities)
    times_s[50] += 0.0199
    commands(uneven, times_s, velocities)
    found = [summarize(log)["motion"]["acceleration_m_s2"]["max"] for log in (even, uneven)]
    assert found[1] == pytest.approx(found[0]) == pytest.approx(np.sqrt(3))


def test_joint_commands_have_a_speed_and_no_acceleration():
    log = RunLog()
    log.speed_unit = "rad/s"
    for t_s in range(5):
        log.commands.append(t_s, 0.5, *[np.nan] * 6)
    motion = summarize(log)["motion"]
    assert (motion["speed"]["p50"], motion["speed_unit"]) == (0.5, "rad/s")
    assert motion["acceleration_m_s2"]["count"] == 0 and motion["jerk_m_s3_rms"] is None


def test_processes_shared_memory_and_gpus():
    log = good_run()
    log.machine.append(0.0, 358.4)
    for t_s, busy in enumerate((10.0, 90.0, 50.0)):
        log.gpus["0 Some GPU"].append(t_s, busy, 2000.0 + t_s)
    found = summarize(log)
    process = found["processes"]["action"]
    assert (process["cpu_percent"], process["rss_peak_mb"]) == (pytest.approx(10.0), 319.0)
    assert (process["shm_peak_mb"], process["threads_peak"]) == (67.1, 17)
    assert found["resources"]["shm_peak_mb"] == 358.4
    gpu = found["resources"]["gpus"]["0 Some GPU"]
    assert (gpu["utilisation_percent"]["p50"], gpu["memory_peak_mb"]) == (50.0, 2002.0)


def test_seams_and_set_skew_are_distributions():
    log = good_run()
    for jump in (0.01, 0.03):
        log.seams.append(0.0, jump, 10 * jump, jump / 100)
    found = summarize(log)
    assert found["seams"]["switches"] == 2
    assert found["seams"]["velocity_jump_m_s"]["max"] == 0.03
    assert found["seams"]["angular_jump_rad_s"]["p50"] == pytest.approx(0.2)
    assert found["seams"]["position_jump_m"]["max"] == pytest.approx(0.0003)
    assert found["set_skew_ms"]["p99"] == pytest.approx(10.0)
    lines = table(found).splitlines()
    assert any(line.startswith("jump of the plan [mm/s]") for line in lines)
    assert max(len(line) for line in lines) <= 100
