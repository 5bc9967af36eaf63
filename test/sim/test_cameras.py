"""Five cameras that see the scene, each from its own place."""

import sys

import mujoco
import numpy as np
import pytest

from vla_ros.core.errors import SimError
from vla_ros.sim import gl
from vla_ros.sim.cameras import Cameras, intrinsics
from vla_ros.sim.world import ARM_JOINTS, CAMERAS, at_home, load

WIDTH, HEIGHT = 640, 360


@pytest.fixture(scope="module")
def scene():
    model = load(1300)
    data = at_home(model)
    cameras = Cameras(model, WIDTH, HEIGHT)
    cameras.move(data.qpos)
    yield model, data, cameras
    cameras.close()


@pytest.fixture(scope="module")
def images(scene):
    return {name: scene[2].render(name) for name in CAMERAS}


def pixel(model, data, name, point):
    """Project a point of the base frame with the camera's K: (u, v)."""
    camera = data.cam(name)
    x, y, z = camera.xmat.reshape(3, 3).T @ (point - camera.xpos)
    # MuJoCo's cameras look along -z with y up; K is for +z ahead and y down.
    u, v, w = intrinsics(model, name, WIDTH, HEIGHT) @ [x, -y, -z]
    return u / w, v / w


def test_images_are_lit_and_all_different(images):
    for image in images.values():
        assert image.shape == (HEIGHT, WIDTH, 3) and image.dtype == np.uint8
        assert 60 < image.mean() < 200 and image.std() > 20
    for first in CAMERAS:
        for second in CAMERAS[: CAMERAS.index(first)]:
            difference = np.abs(images[first].astype(int) - images[second])
            assert difference.mean() > 2, (first, second)


@pytest.mark.parametrize("name", CAMERAS)
@pytest.mark.parametrize(
    "bead, strong, weak", [("blue", [2], [0, 1]), ("red", [0], [1, 2]), ("yellow", [0, 1], [2])]
)
def test_every_camera_sees_the_beads_where_k_says(scene, images, name, bead, strong, weak):
    model, data, _ = scene
    top = data.geom(bead).xpos + [0, 0, 0.003]
    u, v = np.rint(pixel(model, data, name, top)).astype(int)
    colour = images[name][v, u].astype(int)
    assert min(colour[strong]) > 1.8 * max(colour[weak]), colour


def test_k_is_exact_to_a_pixel(scene, images):
    """The centre of the blue blob in the picture is where K puts the bead."""
    model, data, _ = scene
    red, green, blue = np.moveaxis(images["camera_5"].astype(int), 2, 0)
    rows, columns = np.nonzero((blue > 100) & (blue > 2 * red) & (blue > 2 * green))
    expected = pixel(model, data, "camera_5", data.geom("blue").xpos)
    assert np.hypot(columns.mean() - expected[0], rows.mean() - expected[1]) < 2


def test_the_wrist_camera_moves_with_the_arm(scene, images):
    model, data, cameras = scene
    moved = data.qpos.copy()
    moved[0] += 0.2
    cameras.move(moved)
    wrist, fixed = cameras.render("camera_5"), cameras.render("camera_1")
    cameras.move(data.qpos)
    assert np.abs(wrist.astype(int) - images["camera_5"]).mean() > 10
    still = np.all(fixed == images["camera_1"], axis=2)
    assert 0.6 < still.mean() < 0.99
    np.testing.assert_array_equal(cameras.render("camera_5"), images["camera_5"])


def test_unknown_camera(scene):
    with pytest.raises(SimError, match="camera_1, camera_2"):
        scene[2].render("camera_6")


def test_other_sizes_and_a_moved_phantom():
    model = load(1300, seed=5)
    cameras = Cameras(model, 320, 240)
    cameras.move(at_home(model).qpos)
    assert cameras.render("camera_3").shape == (240, 320, 3)
    cameras.close()
    focal = 240 / 2 / np.tan(np.deg2rad(21))
    matrix = [[focal, 0, 159.5], [0, focal, 119.5], [0, 0, 1]]
    np.testing.assert_allclose(intrinsics(model, "camera_3", 320, 240), matrix)


def test_without_opengl_it_says_what_to_install(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(gl.ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError(name)))
    monkeypatch.setitem(sys.modules, "mujoco.osmesa", None)
    with pytest.raises(SimError, match="apt install libegl1 libgl1-mesa-dri"):
        gl.make_context(64, 64)


def test_a_backend_without_a_screen_is_refused(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    with pytest.raises(SimError, match="'glfw'; egl or osmesa"):
        gl.make_context(64, 64)


def test_names_are_those_of_the_scene():
    model = load(1300)
    assert [model.camera(i).name for i in range(model.ncam)] == list(CAMERAS)
    joints = [model.joint(i).name for i in range(model.njnt)]
    assert joints[:6] == list(ARM_JOINTS) and model.nq == 7
    assert mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, "camera_5") == 4
