"""Whether a run holds its rate, and who is named when it does not."""

import numpy as np
import pytest
from known_run import SECONDS, commands, counters, encodes, good_run, ticks

from vla_ros.data.run_log import ModeChange, RunLog
from vla_ros.report.summary import summarize
from vla_ros.report.verdict import Limits, verdict


def judged(**changes):
    """Judge a good run in which tables were emptied by name and filled anew."""
    log = good_run()
    for table, refill in changes.items():
        _empty(log, table)
        refill(log)
    return verdict(summarize(log))


def _empty(log, table):
    fresh = RunLog()
    if table == "ticks":
        log.chunks = fresh.chunks
    elif table == "commands":
        log.commands = fresh.commands
    for owner in {"ticks": ["action"], "encodes": ["vl_encoder"]}.get(table, []):
        log.cycles.pop(owner)
        for key in [key for key in log.stages if key[0] == owner]:
            log.stages.pop(key)
    if table == "encodes":
        log.features = fresh.features


def failed(found):
    return [check.name for check in found.checks if check.ok is False]


def test_a_good_run_holds_and_every_check_was_made():
    found = judged()
    assert (found.holds, found.stage, failed(found)) == (True, "", [])
    assert found.reason.startswith("It holds 10 Hz: 200 ticks and none missed")
    assert all(check.ok for check in found.checks)


def test_a_tick_that_overruns_names_its_largest_stage():
    found = judged(ticks=lambda log: ticks(log, action_s=0.12))
    assert (found.holds, found.stage) == (False, "action.action")
    assert "a tick takes 121 ms at p99, of 100 ms; action alone 120 ms" in found.reason


def test_a_single_tick_that_overruns_and_costs_the_next_is_found_too():
    def one_long(log):
        ticks(log, skipped=[51])
        log.cycles["action"].append(99.0, 999, 1, 0.15)
        log.stages["action", "action"].append(99.0, 0.0, 0.149)

    found = judged(ticks=one_long)
    assert failed(found) == ["ticks without a chunk"]
    assert found.stage == "action.action" and "150 ms at worst" in found.reason


def test_ticks_that_come_late_though_they_are_short_name_the_node():
    found = judged(ticks=lambda log: ticks(log, late_s=0.015))
    assert failed(found) == ["period error p90"]
    assert found.stage == "action" and "a tick takes 5.0 ms at worst" in found.reason


def test_one_late_tick_does_not_fail_a_short_run():
    found = judged(ticks=lambda log: ticks(log, late_s=0.012, late=[24]))
    assert found.holds


def test_another_rate_is_held_against_itself():
    log = good_run()
    log.diagnostics["action"] = {"level": 0, "message": "", "values": {"rate_hz": "12.5"}}
    found = verdict(summarize(log))
    assert found.reason.startswith("It does not hold 12.5 Hz")
    assert "chunk rate" in failed(found)


@pytest.mark.parametrize(
    ("slow", "age_s", "stage", "says"),
    [
        ({"vision_s": 3.0, "every_s": 3.1}, 6.0, "vl_encoder.vision", "vision alone 3.0 s"),
        ({"vision_s": 0.4, "every_s": 4.0}, 4.4, "vl_encoder", "only every 4.0 s"),
        ({"vision_s": 0.4, "every_s": 1.0}, 9.0, "vl_encoder", "for a while none came"),
    ],
)
def test_old_features_name_the_encoder_s_stage_its_rate_or_its_silence(slow, age_s, stage, says):
    found = judged(
        encodes=lambda log: encodes(log, **slow), ticks=lambda log: ticks(log, age_s=age_s)
    )
    assert (failed(found), found.stage) == (["features' age p99"], stage)
    assert says in found.reason


@pytest.mark.parametrize(
    ("reason", "stage"),
    [
        ("no new chunk from the action node (limit 0.2 s)", "action"),
        ("sensor is older than 0.3 s", "sensor"),
        ("state is older than 0.3 s", "robot_states"),
        ("the ROS clock was set", "command"),
        ("features are older than 5 s", "vl_encoder.vision"),
    ],
)
def test_a_hold_names_what_the_command_node_named(reason, stage):
    log = good_run()
    log.modes.append(ModeChange(7.0, "command", "HOLD", reason))
    found = verdict(summarize(log))
    assert (failed(found), found.stage) == (["times slowed or held"], stage)
    assert f"HOLD after 7.0 s, {reason}" in found.reason


def test_the_oldest_features_allowed_are_those_at_which_the_robot_slows_down():
    log = good_run()
    log.diagnostics["command"] = {"level": 0, "message": "", "values": {"features_soft_s": "0.9"}}
    assert failed(verdict(summarize(log))) == ["features' age p99"]
    assert verdict(summarize(log), Limits(features_age_ms=1200.0)).holds


def test_a_hold_before_the_first_motion_is_no_failure_but_one_without_any_is():
    log = good_run()
    log.modes.insert(1, ModeChange(0.5, "command", "HOLD", "the tool's position is not known"))
    assert verdict(summarize(log)).holds
    del log.modes[2]
    found = verdict(summarize(log))
    assert (found.holds, found.stage) == (False, "command")


def test_a_late_command_names_the_command_node():
    times_s = np.delete(np.arange(SECONDS * 50) * 0.02, 300)
    found = judged(commands=lambda log: commands(log, times_s))
    assert (failed(found), found.stage) == (["command deadlines missed"], "command")
    assert "the longest gap was 40 ms" in found.reason


def test_lost_frames_and_samples_name_the_transport():
    log = good_run()
    counters(log, "vl_encoder", SECONDS, **{"camera_1.received": 190, "camera_1.lost": 10})
    counters(log, "action", SECONDS, **{"sensor.samples": 13000, "sensor.lost": 130})
    found = verdict(summarize(log))
    assert failed(found) == ["frames lost", "sensor samples lost"]
    assert found.stage == "transport" and "camera_1 lost 5.0 %" in found.reason
    lenient = Limits(frames_lost_percent=6.0)
    assert "1.0 % of the sensor's samples" in verdict(summarize(log), lenient).reason
    log.modes.append(ModeChange(3.0, "sim", "SLOWED", "physics fell behind the clock"))
    assert verdict(summarize(log), lenient).stage == "sim"


def test_a_camera_that_never_came_is_named():
    log = good_run()
    counters(log, "vl_encoder", 1.0, **{"camera_2.received": 0, "camera_2.lost": 0})
    found = verdict(summarize(log))
    assert found.stage == "transport" and "no frame of camera_2 came" in found.reason
    assert [check.value for check in found.checks if check.name == "frames lost"] == [100.0]


def test_a_run_of_nothing_does_not_hold():
    found = verdict(summarize(RunLog()))
    assert (found.holds, found.stage) == (False, "vl_encoder")
    assert failed(found) == ["chunk rate", "command rate"]
    assert {check.ok for check in found.checks} == {None, False, True}


def test_features_without_chunks_name_the_action_node_and_what_it_waits_for():
    log = RunLog()
    encodes(log)
    log.diagnostics["action"] = {"level": 0, "message": "no sensor yet", "values": {}}
    found = verdict(summarize(log))
    assert found.stage == "action" and "no sensor yet" in found.reason
