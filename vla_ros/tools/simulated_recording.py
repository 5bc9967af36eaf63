"""A recording that needs no disk: the simulated robot on its way, rendered in a few seconds."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.readings import pose_row
from vla_ros.core.time import NS
from vla_ros.data.episodes import Samples
from vla_ros.sim.cameras import Cameras
from vla_ros.sim.simulation import Captured, Simulation, State
from vla_ros.sim.world import ARM_JOINTS, CAMERAS, load

INSTRUCTION = "insert the needle into the blue point"
_PERIOD_S = 0.1
_BEFORE = 8  # periods before the first images: the windows of sensor and states are full by then
_SETS = 17  # a prime number of frame sets, so that they come round in another order each time
_AFTER = 15  # periods after the last images, for ticks that follow an encode
_SPEED = 0.03  # [m/s]


@dataclass(frozen=True, slots=True)
class Shot:
    """An image in memory."""

    stamp_ns: int
    pixels: NDArray[np.uint8]

    def image(self) -> NDArray[np.uint8]:
        """Return it, rgb (H, W, 3)."""
        return self.pixels


@dataclass(frozen=True, slots=True)
class SimulatedRecording:
    """What an `Episode` is, in memory."""

    instruction: str
    views: dict[str, tuple[Shot, ...]]
    sensor: Samples
    states: Samples


def record(seed: int = 0) -> SimulatedRecording:
    """Return what five cameras, the sensor and the joints of the moving arm gave.

    Args:
        seed: where the phantom lies; the same one gives the same recording.

    Raises:
        SimError: no OpenGL works here.
    """
    simulation = Simulation(seed=seed)
    rate_hz = simulation.physics_rate_hz
    cameras = Cameras(load(rate_hz, seed))
    views: dict[str, list[Shot]] = {name: [] for name in CAMERAS}
    every = Captured()
    try:
        for period in range(_BEFORE + _SETS + _AFTER):
            turn = 2.0 * np.pi * period / _SETS
            simulation.robot.twist([_SPEED * np.cos(turn), _SPEED * np.sin(turn), 0, 0, 0, 0])
            captured = simulation.advance(round(_PERIOD_S * rate_hz))
            every.states += captured.states
            every.batches += captured.batches
            if 0 <= period - _BEFORE < _SETS:
                _shoot(cameras, captured.states[-1], rate_hz, views)
    finally:
        cameras.close()
    shots = {name: tuple(taken) for name, taken in views.items()}
    return SimulatedRecording(
        INSTRUCTION, shots, _sensor(every, simulation), _states(every, rate_hz)
    )


def _shoot(cameras: Cameras, state: State, rate_hz: float, views: dict[str, list[Shot]]) -> None:
    cameras.move(state.position)
    for name, taken in views.items():
        taken.append(Shot(round(state.step / rate_hz * NS), cameras.render(name)))


def _sensor(captured: Captured, simulation: Simulation) -> Samples:
    values = np.concatenate([batch.samples for batch in captured.batches])
    rate_hz = simulation.physics_rate_hz / simulation.steps_per_sample
    stamps = np.round(np.arange(len(values)) * (NS / rate_hz)).astype(np.int64)
    return Samples(stamps, values, rate_hz)


def _states(captured: Captured, rate_hz: float) -> Samples:
    stamps = np.array([round(state.step / rate_hz * NS) for state in captured.states], np.int64)
    arm = len(ARM_JOINTS)
    rows = [np.concatenate([s.position[:arm], pose_row(_pose(s.tip))]) for s in captured.states]
    spacing_ns = float(np.diff(stamps).mean())
    return Samples(stamps, np.array(rows, np.float32), NS / spacing_ns, ARM_JOINTS)


def _pose(tip: NDArray[np.float64]) -> SimpleNamespace:
    """Return a tip (7,) in the form of a PoseStamped."""
    position = SimpleNamespace(**dict(zip("xyz", tip[:3].tolist(), strict=True)))
    orientation = SimpleNamespace(**dict(zip("xyzw", tip[3:].tolist(), strict=True)))
    return SimpleNamespace(pose=SimpleNamespace(position=position, orientation=orientation))
