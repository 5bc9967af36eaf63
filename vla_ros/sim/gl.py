"""An off-screen OpenGL context: EGL where it works, else OSMesa."""

import ctypes
import importlib
import os
from typing import Any

from vla_ros.core.errors import SimError

_INSTALL = (
    "cameras need off-screen OpenGL, and neither EGL nor OSMesa works here. On Debian or Ubuntu: "
    "apt install libegl1 libgl1-mesa-dri (or libosmesa6)"
)
_EGL_PLATFORM_DEVICE = 0x313F


def make_context(width: int, height: int) -> Any:
    """Return a MuJoCo GL context, current in this thread; the environment's MUJOCO_GL decides.

    Raises:
        SimError: neither EGL nor OSMesa works; it says what to install.
    """
    # Mesa's software renderer is given to threads of its own; one image at a time, in this thread,
    # costs a fifth less and leaves the other cores to the other nodes.
    os.environ.setdefault("LP_NUM_THREADS", "0")
    name = os.environ.get("MUJOCO_GL") or ("egl" if _egl_works() else "osmesa")
    if name not in ("egl", "osmesa"):
        raise SimError(f"MUJOCO_GL is {name!r}; egl or osmesa is allowed")
    try:
        context = importlib.import_module(f"mujoco.{name}").GLContext(width, height)
        context.make_current()
    except Exception as error:  # each library has its own, down to AttributeError
        raise SimError(f"{_INSTALL} (MUJOCO_GL={name}: {error})") from error
    os.environ["MUJOCO_GL"] = name  # for MuJoCo's own loader
    return context


def _egl_works() -> bool:
    """Try EGL itself: PyOpenGL cannot change its platform any more once it has tried one."""
    try:
        egl = ctypes.CDLL("libEGL.so.1")
    except OSError:
        return False
    address = egl.eglGetProcAddress
    address.restype = ctypes.c_void_p
    query = address(b"eglQueryDevicesEXT")
    display_of = address(b"eglGetPlatformDisplayEXT")
    if not query or not display_of:
        return False
    devices = (ctypes.c_void_p * 16)()
    count = ctypes.c_int()
    find = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(query)
    if not find(len(devices), devices, ctypes.byref(count)):
        return False
    get = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p)
    displays = [
        get(display_of)(_EGL_PLATFORM_DEVICE, device, None) for device in devices[: count.value]
    ]
    start = egl.eglInitialize
    start.argtypes = [ctypes.c_void_p] * 3
    return any(display and start(display, None, None) for display in displays)
