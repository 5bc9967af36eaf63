"""The graph in virtual time: what comes when and in which order, with a policy that counts."""

from itertools import repeat
from types import SimpleNamespace

import numpy as np
import pytest
from lockstep_bag import MS, T0_NS, TYPES, make, messages, pose, samples

from vla_ros.core.errors import MessageError
from vla_ros.core.inputs import PolicyInputs
from vla_ros.core.rings import SampleRing
from vla_ros.core.safety import Mode
from vla_ros.data.bag_reader import Record
from vla_ros.data.definitions import typestore
from vla_ros.models.features import EncodedFeatures
from vla_ros.replay.lockstep import Lockstep
from vla_ros.replay.lockstep_inputs import InputTopics
from vla_ros.replay.lockstep_parameters import Action, Command, Encoder, GraphParameters
from vla_ros.replay.lockstep_recorded import Recorded

VIEWS = ("camera_1", "camera_2")
TOPICS = InputTopics(
    {f"/{view}/image_raw": view for view in VIEWS},
    "/sensor",
    "/joint_states",
    "/ee_pose",
    "/instruction",
)
JOINTS = tuple(f"joint_{number}" for number in range(1, 7))


def record(at_ms, topic, msgtype, message):
    data = bytes(typestore().serialize_cdr(message, msgtype))
    return Record(topic, msgtype, T0_NS + round(at_ms * MS), data)


def records(seconds=3.0, keep=lambda at_ms, topic: True, more=()):
    taken = [one for one in [*messages(seconds, VIEWS), *more] if keep(one[0], one[1])]
    return [record(*one) for one in sorted(taken, key=lambda one: one[0])]


def text(at_ms, words):
    return at_ms, "/instruction", TYPES["/instruction"], make(TYPES["/instruction"], data=words)


class Encode:
    """Remembers what it was asked for; the features are the capture time."""

    def __init__(self, fail_at=()):
        self.asked, self.fail_at = [], fail_at

    def __call__(self, frames, instruction):
        at_ms = (frames.newest_ns - T0_NS) / MS
        self.asked.append((at_ms, instruction))
        if len(self.asked) in self.fail_at:
            raise MessageError("no image")
        return EncodedFeatures(
            data=np.array([at_ms], np.float32),
            view_tokens=np.array([4, 4]),
            image_grid_thw=np.ones((2, 3)),
            total_tokens=10,
            view_stamps_ns=frames.stamps_ns,
            computed=(0, 1),
            stages=(),
        )


class Policy:
    """Moves 1 mm a step along x; remembers what it saw."""

    def __init__(self):
        self.saw = []

    def act(self, features, sensor=None, state=None):
        self.saw.append((float(features[0]), float(sensor[-1, 0])))
        chunk = np.zeros((8, 7), np.float32)
        chunk[:, 0] = 0.001
        return SimpleNamespace(chunk=chunk, stages=())


def lockstep(latencies_ms=(250,), action_ms=0, encode=None, policy=None, encoder=None, begun=None):
    inputs = PolicyInputs(SampleRing(13, 30), SampleRing(9, 12), JOINTS, 650.0)
    latencies = (value * MS for _ in repeat(None) for value in latencies_ms)
    return Lockstep(
        TOPICS,
        lambda one: typestore().deserialize_cdr(one.data, one.msgtype),
        encode or Encode(),
        policy or Policy(),
        inputs,
        GraphParameters(encoder or Encoder(), Action(), Command()),
        0.1,
        latencies,
        action_ms * MS,
        "reach",
        begun,
    )


def ages_ms(run):
    return [round(tick.ledger["features_age_s"] * 1e3) for tick in run.ticks]


def since_ms(ns):
    return (ns - T0_NS) / MS


def test_features_come_their_latency_after_the_choice_and_age_until_the_next():
    run = lockstep([250]).run(records(2.5))
    # The first set is whole when the second camera's image comes, 1 ms after the start.
    assert [since_ms(done.chosen_ns) for done in run.encodes] == [1, 1001, 2001]
    assert [since_ms(done.arrived_ns) for done in run.encodes] == [251, 1251, 2251]
    # Captured 5 ms before the start (and 5 ms before 1 s, 2 s); the next tick of the grid uses it.
    assert since_ms(run.ticks[0].stamp_ns) == 300
    assert [tick.number for tick in run.ticks] == list(range(len(run.ticks)))
    assert ages_ms(run) == [*range(305, 1300, 100), *range(305, 1300, 100), 305, 405]


def test_it_begins_as_a_recorded_run_did():
    begun = Recorded(ready_ns=T0_NS + 740 * MS, tick_ns=T0_NS + 3133 * MS)
    encode = Encode()
    run = lockstep([250], encode=encode, begun=begun).run(records(2.5))
    assert [since_ms(done.chosen_ns) for done in run.encodes] == [740, 1740]
    assert [at_ms for at_ms, _ in encode.asked] == [695, 1695]
    assert since_ms(run.ticks[0].stamp_ns) == 1033
    assert {since_ms(tick.stamp_ns) % 100 for tick in run.ticks} == {33}


def test_an_encode_longer_than_the_period_follows_its_predecessor_with_the_newest_images():
    encode = Encode()
    run = lockstep([1450], encode=encode).run(records(4.5))
    # What is late places the grid anew: the next set is taken the moment the encoder is free.
    assert [since_ms(done.chosen_ns) for done in run.encodes] == [1, 1451, 2901]
    assert [at_ms for at_ms, _ in encode.asked] == [-5, 1395, 2895, 4295]


def test_latencies_are_taken_in_turn():
    run = lockstep([100, 300, 200]).run(records(4.9))
    took = [(done.arrived_ns - done.chosen_ns) // MS for done in run.encodes]
    assert took == [100, 300, 200, 100, 300]


def test_at_one_instant_messages_come_first_then_features_then_the_tick_then_the_command():
    encode, policy = Encode(), Policy()
    run = lockstep([299], encode=encode, policy=policy).run(records(0.5))
    assert since_ms(run.encodes[0].arrived_ns) == 300  # and so is a tick, a sensor batch, a command
    assert since_ms(run.ticks[0].stamp_ns) == 300
    newest = samples(0, 15).data.reshape(13, -1)[-1, 0]  # the batch of 300 ms
    assert policy.saw[0] == (-5.0, newest)
    assert since_ms(run.commands[0].stamp_ns) == 300
    assert run.commands[0].command.verdict.mode == Mode.RUNNING


def test_a_chunk_reaches_the_command_side_after_the_ticks_latency():
    run = lockstep([250], action_ms=50).run(records(1.0))
    assert since_ms(run.ticks[0].stamp_ns) == 300
    assert since_ms(run.ticks[0].arrived_ns) == 350
    assert since_ms(run.commands[0].stamp_ns) == 360


def test_the_speed_follows_the_chunk_within_the_acceleration_limit():
    run = lockstep([250]).run(records(1.0))
    speeds = [done.command.velocity[0] for done in run.commands]
    assert speeds[0] == 0.0  # the first command has no time behind it
    assert speeds[1] == pytest.approx(0.01)  # 1 mm in 0.1 s; 1 m/s^2 reaches that in one command


def test_a_new_instruction_is_encoded_at_once():
    encode = Encode()
    run = lockstep([250], encode=encode).run(records(1.5, more=[text(430, "insert")]))
    # It needs images that were not encoded yet: those of 500 ms, whole at 501.
    assert encode.asked[:3] == [(-5, "reach"), (395, "insert"), (1395, "insert")]
    assert run.instructions == [(T0_NS, "reach"), (T0_NS + 430 * MS, "insert")]
    assert run.encodes[1].instruction == "insert"


def test_old_features_slow_the_robot_down_and_then_hold_it():
    run = lockstep([250, 60_000]).run(records(7.0))
    modes = [(since_ms(d.stamp_ns), d.command.verdict.mode) for d in run.commands]
    first = {mode: at_ms for at_ms, mode in reversed(modes)}
    # Captured at -5 ms: older than 3 s, then than 5 s.
    assert first == {Mode.RUNNING: 300, Mode.SLOWED: 3000, Mode.HOLD: 5000}


def test_a_sensor_that_falls_silent_holds_the_robot_and_one_that_returns_frees_it():
    run = lockstep().run(
        records(3.0, lambda ms, topic: topic != "/sensor" or not 1000 <= ms < 2000)
    )
    held = [since_ms(d.stamp_ns) for d in run.commands if d.command.verdict.mode == Mode.HOLD]
    assert 1280 <= held[0] <= 1320 and held[-1] == 1980
    reasons = {d.command.verdict.reason for d in run.commands if d.command.verdict.scale == 0.0}
    assert "sensor is older than 0.3 s" in reasons


def test_without_the_tools_position_the_robot_holds():
    blind = {at_ms: pose(T0_NS + at_ms * MS, 0.0) for at_ms in range(0, 1000, 10)}
    for message in blind.values():
        message.pose.position.x = float("nan")
    more = [(at_ms, "/ee_pose", TYPES["/ee_pose"], one) for at_ms, one in blind.items()]
    run = lockstep().run([r for r in records(1.0, more=more) if not sound_pose(r)])
    reasons = {done.command.verdict.reason for done in run.commands}
    assert reasons == {"the tool's position is not known"}
    assert {done.command.verdict.mode for done in run.commands} == {Mode.HOLD}


def sound_pose(one):
    if one.topic != "/ee_pose":
        return False
    return np.isfinite(typestore().deserialize_cdr(one.data, one.msgtype).pose.position.x)


def test_bad_messages_are_counted_and_the_rest_goes_on():
    wrong = samples(T0_NS, 0)
    wrong.channels, wrong.data = 7, np.zeros(14, np.float32)
    more = [(505, "/sensor", TYPES["/sensor"], wrong)]
    run = lockstep(encode=Encode(fail_at=[2])).run(records(2.5, more=more))
    assert sum(run.refused.values()) == 2
    assert any("samples of shape (2, 7)" in reason for reason in run.refused)
    assert "encode: no image" in run.refused
    assert [since_ms(done.chosen_ns) for done in run.encodes] == [1, 2001]


def test_records_out_of_order_do_not_turn_the_time_back():
    shuffled = records(2.0)
    shuffled[200], shuffled[260] = shuffled[260], shuffled[200]
    run = lockstep().run(shuffled)
    stamps = [tick.stamp_ns for tick in run.ticks]
    assert stamps == sorted(stamps) and len(set(stamps)) == len(stamps)


def test_nothing_happens_without_features():
    run = lockstep([250]).run(records(1.0, lambda ms, topic: not topic.startswith("/camera_2")))
    assert not run.ticks and not run.commands
    assert run.missing == ["features"]


def test_encodes_as_fast_as_it_goes_wait_for_images_only():
    run = lockstep([120], encoder=Encoder(rate_hz=0.0)).run(records(1.0))
    chosen = [since_ms(done.chosen_ns) for done in run.encodes]
    assert chosen == [1, 121, 241, 361, 481, 601, 721, 841]
