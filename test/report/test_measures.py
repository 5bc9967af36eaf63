"""The flat numbers of a run."""

import re

import pytest
from known_run import good_run

from vla_ros.data.run_log import RunLog
from vla_ros.report.measures import measures
from vla_ros.report.summary import summarize

UNITS = {"ms": "ms", "hz": "Hz", "percent": "%", "mb": "MB", "mm": "mm"}


def test_the_numbers_are_those_of_the_summary():
    log = good_run()
    log.cycles["command"].append(1.0, 1, 0, 0.005)
    log.stages["command", "camera_to_command"].append(1.0, -1.02, 1.025)
    log.seams.append(0.0, 0.02, 0.1, 0.0003)
    found = measures(summarize(log))
    values = {name: measure.value for name, measure in found.items()}
    assert values["chunks_hz"] == pytest.approx(10.0)
    assert values["camera_to_command_p99_ms"] == pytest.approx(1025.0)
    assert values["sensor_to_command_p99_ms"] is None
    assert values["vl_encoder_vision_p50_ms"] == pytest.approx(400.0)
    assert values["action_cycle_p99_ms"] == pytest.approx(5.0)
    assert values["seam_position_p99_mm"] == pytest.approx(0.3)
    assert (values["frames_received"], values["frames_lost"]) == (190, 0)
    assert values["action_cpu_percent"] == pytest.approx(10.0)
    assert values["times_slowed_or_held"] == 0


def test_units_stand_in_the_names_and_a_direction_is_known():
    for name, measure in measures(summarize(good_run())).items():
        assert re.fullmatch(r"[a-z0-9_]+", name)
        assert measure.better in ("lower", "higher", "")
        ending = name.rpartition("_")[2]
        if ending in UNITS:
            assert measure.unit == UNITS[ending], name


def test_a_run_of_nothing_has_the_names_of_what_every_run_has_and_no_values():
    empty = measures(summarize(RunLog()))
    assert {"chunks_hz", "camera_to_command_p99_ms", "jerk_rms_m_s3"} <= empty.keys()
    assert all(not measure.value for measure in empty.values())
