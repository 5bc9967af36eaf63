"""The scene: its names, and the model that MuJoCo makes of it."""

from pathlib import Path

import mujoco
import numpy as np

SCENE = Path(__file__).with_name("scene.xml")
ARM_JOINTS = tuple(f"joint_{number}" for number in range(1, 7))
CLAMP_JOINT = "needle_clamp"
JOINTS = (*ARM_JOINTS, CLAMP_JOINT)
CAMERAS = tuple(f"camera_{number}" for number in range(1, 6))
BASE_FRAME = "base_link"
TIP = "needle_tip"

# How far a seed other than 0 may move the phantom from its nominal place.
_SHIFT_M = 0.01
_TURN_RAD = np.pi


def load(physics_rate_hz: float, seed: int = 0) -> mujoco.MjModel:
    """Return the scene's model.

    Args:
        physics_rate_hz: steps a second.
        seed: 0 puts the phantom at its nominal place; any other shifts it by up to 10 mm along x
            and y and turns it about the vertical, always the same way for the same seed.
    """
    model = mujoco.MjModel.from_xml_path(str(SCENE))
    model.opt.timestep = 1.0 / physics_rate_hz
    if seed:
        generator = np.random.default_rng(seed)
        phantom = model.body("phantom")
        phantom.pos[:2] += generator.uniform(-_SHIFT_M, _SHIFT_M, 2)
        half = generator.uniform(-_TURN_RAD, _TURN_RAD) / 2
        phantom.quat[:] = np.cos(half), 0, 0, np.sin(half)
    return model


def at_home(model: mujoco.MjModel) -> mujoco.MjData:
    """Return a state with the arm at its home: the needle upright above the phantom."""
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("home").id)
    mujoco.mj_forward(model, data)
    return data
