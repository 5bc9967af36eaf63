import math

import numpy as np
import pytest

from vla_ros.core.chunks import Chunk
from vla_ros.core.controller import Ages, CommandController
from vla_ros.core.safety import AgeLimits, Mode, MotionLimits

MS = 1_000_000
HERE = np.array([0.1, 0.0, 0.2])
AGES = Ages(features_s=0.8, sensor_s=0.02, state_s=0.01)


@pytest.fixture
def controller():
    return CommandController(
        AgeLimits(3.0, 5.0, 0.5, 0.5),
        MotionLimits(0.1, 1.0, 1.0, 10.0, (-1, -1, -1), (1, 1, 1)),
        chunk_timeout_s=0.2,
    )


def chunk(start_ms, step=0.005, horizon=8):
    return Chunk(start_ms * MS, 0.1, np.tile(np.float32([step] + [0] * 5 + [1]), (horizon, 1)))


def play(controller, start_ms, end_ms, position=HERE):
    return [controller.step(t * MS, position) for t in range(start_ms, end_ms, 20)]


def test_nothing_is_said_before_the_first_chunk(controller):
    assert controller.step(0, HERE) is None


def test_a_chunk_is_played(controller):
    controller.accept(chunk(0), AGES)
    command = play(controller, 0, 200)[-1]
    assert command.verdict.mode == Mode.RUNNING
    assert command.velocity[0] == pytest.approx(0.05)
    assert command.gripper == 1.0


def test_without_new_chunks_the_robot_is_at_rest_within_300_ms(controller):
    controller.accept(chunk(0, step=0.01), AGES)
    commands = play(controller, 0, 320)
    assert commands[5].velocity[0] == pytest.approx(0.1)
    assert commands[-1].verdict.mode == Mode.HOLD
    assert "chunk" in commands[-1].verdict.reason
    assert not commands[-1].velocity.any()


def test_it_goes_on_by_itself_when_chunks_come_again(controller):
    controller.accept(chunk(0), AGES)
    play(controller, 0, 1000)
    controller.accept(chunk(1000), AGES)
    assert play(controller, 1000, 1200)[-1].verdict.mode == Mode.RUNNING


def test_a_chunk_that_is_not_finite_holds_until_a_sound_one(controller):
    controller.accept(chunk(0), AGES)
    play(controller, 0, 100)
    controller.accept(chunk(100, step=math.nan), AGES)
    held = play(controller, 100, 280)
    assert all(np.isfinite(c.velocity).all() for c in held)
    assert held[-1].verdict.mode == Mode.HOLD and not held[-1].velocity.any()
    controller.accept(chunk(280), AGES)
    assert controller.step(300 * MS, HERE).verdict.mode == Mode.RUNNING


def test_old_features_slow_down_and_then_hold(controller):
    controller.accept(chunk(0), Ages(4.0, 0.01, 0.01))
    slowed = play(controller, 0, 180)[-1]
    assert slowed.verdict.mode == Mode.SLOWED
    assert 0 < slowed.velocity[0] < 0.03
    controller.accept(chunk(180), Ages(5.5, 0.01, 0.01))
    assert play(controller, 180, 300)[-1].verdict.mode == Mode.HOLD


def test_ages_go_on_growing_while_a_chunk_is_played():
    controller = CommandController(
        AgeLimits(3.0, 5.0, 0.1, 0.1),
        MotionLimits(0.1, 1.0, 1.0, 10.0, (-1, -1, -1), (1, 1, 1)),
        chunk_timeout_s=0.7,
    )
    controller.accept(chunk(0), Ages(0.5, 0.05, math.nan))
    commands = play(controller, 0, 120)
    assert commands[0].verdict.mode == Mode.RUNNING
    assert commands[-1].verdict.mode == Mode.HOLD and "sensor" in commands[-1].verdict.reason


def test_the_senders_own_hold_and_refused_chunks_hold(controller):
    controller.accept(chunk(0), AGES, fault="asks for a hold")
    assert controller.step(0, HERE).verdict.mode == Mode.HOLD
    controller.accept(chunk(0), AGES)
    controller.reject("wrong frame")
    assert controller.step(20 * MS, HERE).verdict.reason == "wrong frame"


def test_an_unknown_position_holds(controller):
    controller.accept(chunk(0), AGES)
    assert controller.step(0, None).verdict.mode == Mode.HOLD


def test_a_spent_chunk_holds(controller):
    controller.accept(chunk(0, horizon=1), AGES)
    assert controller.step(110 * MS, HERE).verdict.mode == Mode.HOLD


def test_a_stall_is_not_made_up_in_one_jump():
    limits = MotionLimits(0.1, 1.0, 0.2, 10.0, (-1, -1, -1), (1, 1, 1))
    controller = CommandController(AgeLimits(3.0, 5.0, 0.5, 0.5), limits, chunk_timeout_s=0.2)
    controller.accept(chunk(0), AGES)
    controller.step(0, HERE)
    controller.accept(chunk(5000, step=0.01), AGES)
    speed = controller.step(5000 * MS, HERE).velocity[0]
    assert 0 < speed <= 0.1 * 0.2 + 1e-9  # 0.1 s of acceleration, not 5 s
