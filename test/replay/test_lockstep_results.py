import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from vla_ros.core.controller import Command
from vla_ros.core.safety import Mode, Verdict
from vla_ros.data.definitions import typestore
from vla_ros.data.run_log import RunLog
from vla_ros.replay.lockstep_messages import messages
from vla_ros.replay.lockstep_recorded import Recorded, agreement
from vla_ros.replay.lockstep_results import (
    action_hash,
    arrays,
    combined,
    command_hash,
    describe,
    table,
)
from vla_ros.replay.lockstep_run import CommandDone, Run, TickDone

T0_NS = 1_760_000_000_000_000_000
PERIOD_NS = 100_000_000
SOUND = Verdict(Mode.RUNNING, "inputs are sound", 1.0)
HELD = Verdict(Mode.HOLD, "sensor is older than 0.3 s", 0.0)


def ledger(age_s):
    return {
        "features_session": "lockstep",
        "features_sequence": 1,
        "features_age_s": age_s,
        "views": ["camera_1"],
        "view_age_s": [age_s],
        "view_skew_s": [0.0],
        "sensor_age_s": 0.01,
        "sensor_gap_s": 0.0015,
        "sensor_samples": 65,
        "state_age_s": 0.005,
        "state_gap_s": 0.01,
        "state_samples": 65,
    }


def tick(number, value=0.001, at=None, verdict=SOUND):
    stamp_ns = T0_NS + PERIOD_NS * (number if at is None else at)
    chunk = np.full((8, 7), value, np.float32)
    return TickDone(number, stamp_ns, stamp_ns, chunk, verdict, ledger(0.3 + 0.1 * number))


def command(number, speed=0.01, verdict=SOUND, gripper=0.5):
    velocity = np.array([speed, 0.0, 0.0, 0.0, 0.0, 0.0])
    done = Command(verdict, velocity, gripper)
    return CommandDone(T0_NS + 20_000_000 * number, done)


def run(ticks, commands=()):
    return Run(T0_NS, T0_NS + 10**9, [(T0_NS, "reach")], [], list(ticks), list(commands))


def test_the_hash_sees_every_bit_of_every_chunk_its_number_and_its_time():
    base = action_hash(run([tick(0), tick(1)]))
    assert base == action_hash(run([tick(0), tick(1)]))
    changed = tick(1)
    changed.chunk[7, 6] = np.nextafter(changed.chunk[7, 6], np.float32(1), dtype=np.float32)
    others = [
        run([tick(0), changed]),
        run([tick(0)]),
        run([tick(0), tick(2, at=1)]),
        run([tick(0), tick(1, at=2)]),
        run([tick(1, at=0), tick(0, at=1)]),
    ]
    assert len({base, *map(action_hash, others)}) == 6


def test_the_commands_hash_sees_speed_mode_gripper_and_time():
    different = [
        [command(0)],
        [command(0, np.nextafter(0.01, 1))],
        [command(0, verdict=HELD)],
        [command(0, gripper=None)],
        [command(1)],
        [command(0), command(1)],
    ]
    assert len({command_hash(run([], commands)) for commands in different}) == len(different)


def test_one_hash_stays_what_it_is_and_several_depend_on_their_order():
    assert combined(["a"]) == "a"
    assert len({combined(["a", "b"]), combined(["b", "a"]), combined(["a", "b", "c"])}) == 3


def test_the_same_instants_are_compared():
    first = run([tick(0), tick(1), tick(2)], [command(0), command(1)])
    # It began one tick later: its numbers are others, its times are not.
    other = run([tick(0, 0.002, at=1), tick(1, 0.004, at=2)], [command(1, 0.03)])
    told = describe(other, first)
    moved = told["action_difference"]
    assert moved["compared"] == 2
    assert moved["mean_abs"] == pytest.approx(0.002, rel=1e-6)
    assert moved["translation_m"]["max_abs"] == pytest.approx(0.003, rel=1e-6)
    assert moved["gripper"]["mean_abs"] == pytest.approx(0.002, rel=1e-6)
    assert told["command_difference"]["compared"] == 1
    assert told["command_difference"]["linear_m_s"]["max_abs"] == pytest.approx(0.02)
    assert told["command_difference"]["angular_rad_s"]["max_abs"] == 0.0


def test_runs_without_a_common_instant_are_not_compared():
    told = describe(run([tick(0, at=5)]), run([tick(0)]))
    assert told["action_difference"] == {"compared": 0, "mean_abs": None, "max_abs": None}
    assert "-" in table([{"vl_latency_ms": "recorded", **told}])


def test_shares_and_ages():
    commands = [command(0), command(1), command(2, verdict=HELD), command(3)]
    told = describe(one := run([tick(0), tick(1), tick(2)], commands), one)
    assert told["modes"] == {"RUNNING": 0.75, "SLOWED": 0.0, "HOLD": 0.25}
    assert told["features_age_ms"]["p50"] == pytest.approx(400.0)
    assert told["features_age_ms"]["max"] == pytest.approx(500.0)
    rows = table([{"vl_latency_ms": 1453.0, **told}] * 2).splitlines()
    assert rows[2].split()[:9] == ["1453", "ms", "0", "3", "400", "500", "75.0", "0.0", "25.0"]
    assert rows[-1].endswith("from 1453 ms") and max(map(len, rows)) <= 100


def test_the_arrays_hold_everything():
    found = arrays(run([tick(0), tick(3)], [command(0), command(1, gripper=None)]))
    assert found["chunks"].shape == (2, 8, 7) and found["chunks"].dtype == np.float32
    assert found["ticks"].tolist() == [0, 3]
    assert found["stamps_ns"].tolist() == [T0_NS, T0_NS + 3 * PERIOD_NS]
    assert found["commands"].shape == (2, 6)
    np.testing.assert_array_equal(found["grippers"], [0.5, np.nan])
    assert arrays(run([tick(0)]))["commands"].shape == (0, 6)


def test_the_messages_are_those_of_a_run_and_in_order():
    ticks = [tick(0), tick(1, verdict=HELD)]
    late = dataclasses.replace(ticks[0], arrived_ns=ticks[0].stamp_ns + 30_000_000)
    commands = [command(2), command(3), command(6, verdict=HELD)]
    sent = messages(run([late, ticks[1]], commands), "model", "base_link", 0.1)
    assert [one.at_ns for one in sent] == sorted(one.at_ns for one in sent)
    log = RunLog()
    for one in sent:
        data = bytes(typestore().serialize_cdr(one.message, one.msgtype))
        log.add(one.msgtype, one.at_ns, typestore().deserialize_cdr(data, one.msgtype))
    assert not log.unreadable
    assert log.chunks["tick"].tolist() == [0, 1]
    assert log.chunks["features_age_s"].tolist() == [0.3, 0.4]
    assert log.commands["speed"].tolist() == [0.01] * 3
    changes = {(m.node, m.mode, m.reason) for m in log.modes}
    assert ("command", "HOLD", HELD.reason) in changes
    # The first chunk was there at 30 ms and played at 40 ms; the second one was never played.
    stage = log.stages["command", "camera_to_command"]
    assert stage["duration_s"].tolist() == pytest.approx([0.34])
    assert log.stages["action", "action"]["duration_s"].tolist() == pytest.approx([0.03, 0.0])


def recorded(number, value=0.001, late_ms=0.0, older_s=0.0):
    seconds, nanoseconds = divmod(T0_NS + PERIOD_NS * number + round(late_ms * 1e6), 10**9)
    stamp = SimpleNamespace(sec=seconds, nanosec=nanoseconds)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp),
        data=np.full(56, value, np.float32),
        features_age_s=0.3 + 0.1 * number + older_s,
    )


def test_the_recorded_chunks_are_compared_place_by_place():
    chunks = (recorded(1), recorded(2, late_ms=0.4), recorded(3, 0.002), recorded(9))
    begun = Recorded(T0_NS, T0_NS + PERIOD_NS, chunks)
    told = agreement(run([tick(0), tick(1), tick(2), tick(3)]), begun, PERIOD_NS)
    assert (told["recorded"], told["compared"], told["equal"]) == (4, 3, 2)
    assert told["action_difference_max"] == pytest.approx(0.001, rel=0.01)
    assert told["features_age_difference_ms"]["max"] == pytest.approx(0.0, abs=1e-9)
    older = Recorded(T0_NS, T0_NS, (recorded(0), recorded(1, older_s=0.02)))
    told = agreement(run([tick(0), tick(1)]), older, PERIOD_NS)
    assert told["features_age_difference_ms"]["max"] == pytest.approx(20.0)
