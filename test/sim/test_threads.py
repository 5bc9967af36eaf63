"""The threads: they hand on what comes, keep what they failed with, and end when asked."""

import threading

import numpy as np
import pytest

from vla_ros.core.errors import SimError
from vla_ros.sim.pace import NS
from vla_ros.sim.simulation import Simulation, State
from vla_ros.sim.threads import CameraWorker, Physics

PATIENCE_S = 30.0


def state(step=0):
    return State(step, np.zeros(7), np.zeros(7), np.zeros(7))


class StillCameras:
    """Cameras whose pictures take as long as the test likes."""

    def __init__(self):
        self.gate = threading.Event()
        self.rendering = threading.Event()
        self.closed = False

    def move(self, position):
        self.position = position

    def render(self, name):
        self.rendering.set()
        assert self.gate.wait(PATIENCE_S)
        return name

    def close(self):
        self.closed = True


def test_physics_delivers_every_sample_in_order():
    batches, enough = [], threading.Event()

    def deliver(captured):
        batches.extend(captured.batches)
        if len(batches) >= 5:
            enough.set()

    prepared = []
    physics = Physics(Simulation(), deliver, lambda: prepared.append(threading.current_thread()))
    physics.start()
    assert enough.wait(PATIENCE_S)
    physics.close()
    physics.check()
    assert prepared == [physics]
    if not physics.pacer.overruns:
        assert [batch.first_index for batch in batches] == [13 * n for n in range(len(batches))]


def test_physics_skips_what_it_was_kept_from():
    """A clock that leaps by half a second at each look."""
    simulation, now_ns, steps = Simulation(), [0], []

    def leap():
        now_ns[0] += NS // 2
        return now_ns[0]

    def deliver(captured):
        steps.append(simulation.step)
        if len(steps) > 6:
            physics.close()

    physics = Physics(simulation, deliver, clock_ns=leap)
    physics.work()
    assert physics.pacer.overruns >= 3
    # Time went on, physics did not run after it.
    assert simulation.step / 1300 == pytest.approx(now_ns[0] / NS, abs=1.5)
    assert simulation.robot.data.time < 0.1


def test_a_failure_in_a_thread_is_passed_on():
    def deliver(captured):
        raise ValueError("no room")

    physics = Physics(Simulation(), deliver)
    physics.start()
    physics.join(PATIENCE_S)
    with pytest.raises(SimError, match="physics thread failed: no room"):
        physics.check()
    physics.close()


def test_cameras_that_cannot_start_say_so_at_once():
    def broken():
        raise SimError("no OpenGL")

    worker = CameraWorker(broken, ("camera_1",), lambda *frame: None)
    with pytest.raises(SimError, match="no OpenGL"):
        worker.start()
    worker.close()


def test_slow_cameras_drop_states_and_count_them():
    cameras, frames, done = StillCameras(), [], threading.Event()

    def deliver(of, name, image):
        frames.append((of.step, name, image))
        if len(frames) == 4:
            done.set()

    worker = CameraWorker(lambda: cameras, ("camera_1", "camera_2"), deliver)
    worker.start()
    worker.offer(state(1))
    assert cameras.rendering.wait(PATIENCE_S)
    for step in (2, 3, 4):
        worker.offer(state(step))
    cameras.gate.set()
    assert done.wait(PATIENCE_S)
    worker.close()
    worker.check()
    assert [frame[:2] for frame in frames] == [
        (1, "camera_1"),
        (1, "camera_2"),
        (2, "camera_1"),
        (2, "camera_2"),
    ]
    assert worker.missed == 2
    assert cameras.closed
