"""The two threads of the running robot: physics in real time, and the cameras beside it."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import SimError
from vla_ros.core.time import NS
from vla_ros.sim.cameras import Cameras
from vla_ros.sim.pace import Pacer
from vla_ros.sim.simulation import Captured, Simulation, State


class Worker(threading.Thread):
    """A thread that keeps what it failed with, for whoever watches it."""

    def __init__(self, name: str) -> None:
        """Name the thread; `start` starts it."""
        super().__init__(name=name, daemon=True)
        self._stop_asked = threading.Event()
        self._error: Exception | None = None

    def run(self) -> None:
        """Work until asked to stop."""
        try:
            self.work()
        except Exception as error:  # passed on by check()
            self._error = error

    def work(self) -> None:
        """Do what the thread is for."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise SimError where the thread has failed."""
        if self._error is not None:
            raise SimError(f"the {self.name} thread failed: {self._error}") from self._error

    def close(self) -> None:
        """Ask the thread to stop, and wait for it."""
        self._stop_asked.set()
        if self.ident is not None:
            self.join()


class Physics(Worker):
    """Runs a simulation in real time and hands on what it captures."""

    def __init__(
        self,
        simulation: Simulation,
        deliver: Callable[[Captured], None],
        prepare: Callable[[], None] = lambda: None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Take what is called in the thread: `prepare` at first, then `deliver`, which is quick."""
        super().__init__("physics")
        self._prepare = prepare
        self._simulation = simulation
        self._deliver = deliver
        self._clock_ns = clock_ns
        self.pacer = Pacer(simulation.physics_rate_hz, clock_ns())

    def start(self) -> None:
        """Start the clock and the thread."""
        self.pacer.start_ns = self._clock_ns()
        super().start()

    def work(self) -> None:
        """Wake when a state is due, and bring physics up to now."""
        self._prepare()
        simulation, pacer = self._simulation, self.pacer
        rhythm = simulation.steps_per_state
        while not self._stop_asked.is_set():
            skip, run = pacer.due(self._clock_ns(), simulation.step)
            if skip:
                self._deliver(simulation.skip(skip))
            self._deliver(simulation.advance(run))
            due_ns = pacer.time_ns((simulation.step // rhythm + 1) * rhythm)
            self._stop_asked.wait(max(0, due_ns - self._clock_ns()) / NS)


class CameraWorker(Worker):
    """Renders all views of the newest state it was offered."""

    def __init__(
        self,
        make_cameras: Callable[[], Cameras],
        views: tuple[str, ...],
        deliver: Callable[[State, str, NDArray[np.uint8]], None],
    ) -> None:
        """Make nothing yet: an OpenGL context belongs to the thread that made it."""
        super().__init__("cameras")
        self._make_cameras, self._views, self._deliver = make_cameras, views, deliver
        self._states: queue.Queue[State | None] = queue.Queue(maxsize=1)
        self._ready = threading.Event()
        self.missed = 0  # sets of frames

    def start(self) -> None:
        """Start, and wait until the cameras can render.

        Raises:
            SimError: no OpenGL works here.
        """
        super().start()
        self._ready.wait()
        self.check()

    def offer(self, state: State) -> None:
        """Ask for the images of a state; dropped and counted while the last are being made."""
        try:
            self._states.put_nowait(state)
        except queue.Full:
            self.missed += 1

    def run(self) -> None:
        """Work until asked to stop; `start` must not wait for a thread that failed."""
        super().run()
        self._ready.set()

    def work(self) -> None:
        """Render whatever is offered."""
        cameras = self._make_cameras()
        self._ready.set()
        while (state := self._states.get()) is not None and not self._stop_asked.is_set():
            cameras.move(state.position)
            for view in self._views:
                self._deliver(state, view, cameras.render(view))
        cameras.close()

    def close(self) -> None:
        """Stop after the images in hand."""
        self._stop_asked.set()
        # Wakes the thread; a full queue does so by itself.
        with contextlib.suppress(queue.Full):
            self._states.put_nowait(None)
        super().close()
