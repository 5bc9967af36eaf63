"""What the five cameras see."""

import threading

import mujoco
import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import SimError
from vla_ros.sim.gl import make_context
from vla_ros.sim.world import CAMERAS, JOINTS

# All contexts of a process share one display connection, which is not made for two at a time.
_context_lock = threading.Lock()


class Cameras:
    """Renders one joint configuration; belongs to the thread that made it."""

    def __init__(self, model: mujoco.MjModel, width: int = 640, height: int = 360) -> None:
        """Set up off-screen rendering of width x height pixels.

        Raises:
            SimError: no OpenGL works here.
        """
        # The renderer moves its own copy, so that physics need not wait for it.
        self._model = model
        self._data = mujoco.MjData(model)
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._pixels = np.empty((height, width, 3), np.uint8)
        self._option = mujoco.MjvOption()
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        # The buffer is made as large as the model says, and all of it is cleared each time.
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        with _context_lock:
            self._gl = make_context(width, height)
            self._scene = mujoco.MjvScene(model, maxgeom=2 * model.ngeom)
            self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)

    def move(self, position: NDArray[np.float64]) -> None:
        """Take the joints' positions (7,) for the images to come."""
        self._data.qpos[: len(JOINTS)] = position
        mujoco.mj_forward(self._model, self._data)

    def render(self, name: str) -> NDArray[np.uint8]:
        """Return what one camera sees: rgb, (H, W, 3), top row first.

        Raises:
            SimError: there is no such camera.
        """
        if name not in CAMERAS:
            raise SimError(f"no camera {name!r}; there are: {', '.join(CAMERAS)}")
        self._view.fixedcamid = self._model.camera(name).id
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(
            self._model, self._data, self._option, None, self._view, everything, self._scene
        )
        mujoco.mjr_render(self._rect, self._scene, self._context)
        mujoco.mjr_readPixels(self._pixels, None, self._rect, self._context)
        # OpenGL's first row is the lowest.
        image: NDArray[np.uint8] = self._pixels[::-1].copy()
        return image

    def close(self) -> None:
        """Give the context back, from the thread that made it."""
        self._context.free()
        with _context_lock:
            self._gl.free()


def intrinsics(model: mujoco.MjModel, name: str, width: int, height: int) -> NDArray[np.float64]:
    """Return the matrix K (3, 3) of a camera: pixels, whole numbers at pixel centres."""
    focal = height / 2 / np.tan(np.deg2rad(model.camera(name).fovy[0]) / 2)
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1.0]])
