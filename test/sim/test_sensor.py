"""The depth line and the force against what can be worked out by hand."""

import mujoco
import numpy as np
import pytest

from vla_ros.core.errors import SimError
from vla_ros.sim.sensor import CHANNELS, DEPTH_BINS, DEPTH_STEP_M, SEEN_GROUPS, Sensor
from vla_ros.sim.simulation import Simulation
from vla_ros.sim.world import at_home, load

DOWN = np.array([0, 0, -1.0])
CENTRE = np.array([0.2, 0, -0.045])
SKIN, TISSUE = 0.080, 0.0785


@pytest.fixture(scope="module")
def sensor():
    model = load(1300)
    return Sensor(model, at_home(model))


def line(sensor, tip, axis=DOWN):
    [samples] = sensor.lines(np.array([tip]), np.array([axis]))
    assert samples.shape == (DEPTH_BINS,)
    return samples


def beside_the_beads(height_m):
    """A tip this far above the skin, on a line through the dome's centre, and its axis."""
    out = np.array([0.3, 0.3, 1.0])
    out /= np.linalg.norm(out)
    return CENTRE + out * (SKIN + height_m), -out


def peaks(samples):
    middle = samples[1:-1]
    return 1 + np.nonzero((middle > samples[:-2]) & (middle >= samples[2:]))[0]


def test_peaks_at_the_true_distances(sensor):
    samples = line(sensor, *beside_the_beads(0.005))
    skin, tissue = peaks(samples)
    assert skin * DEPTH_STEP_M == pytest.approx(0.005, abs=DEPTH_STEP_M)
    assert tissue * DEPTH_STEP_M == pytest.approx(0.005 + SKIN - TISSUE, abs=DEPTH_STEP_M)


def test_heights_follow_fresnel_and_beer_lambert(sensor):
    samples = line(sensor, *beside_the_beads(0.005))
    first, second = 0.4 / 2.4, 0.04 / 2.76  # |n1 - n2| / (n1 + n2): air 1, skin 1.40, tissue 1.36
    # Two bins before an interface its peak has fallen to exp(-1/2); there it is still air, or skin.
    assert samples[248] == pytest.approx(first * np.exp(-0.5), rel=1e-6)
    in_skin = (1 - first**2) * np.exp(-250 * 73 * DEPTH_STEP_M)
    at_tissue = (1 - first**2) * np.exp(-250 * (SKIN - TISSUE))
    assert samples[323] == pytest.approx(0.020 * in_skin + second * at_tissue * np.exp(-0.5))


def test_tissue_fades_exponentially_and_air_is_silent(sensor):
    samples = line(sensor, *beside_the_beads(0.005))
    assert not samples[:230].any()
    fading = samples[400:1000]
    np.testing.assert_allclose(fading[1:] / fading[:-1], np.exp(-120 * DEPTH_STEP_M), rtol=1e-9)


def test_peak_follows_the_tip(sensor):
    places = [0.002, 0.007, 0.0123]
    found = [peaks(line(sensor, *beside_the_beads(place)))[0] for place in places]
    np.testing.assert_allclose(np.array(found) * DEPTH_STEP_M, places, atol=DEPTH_STEP_M)


def test_nothing_in_range(sensor):
    assert not line(sensor, [0.2, 0, 0.3]).any()
    assert not line(sensor, [0.2, 0, 0.05], -DOWN).any()


def test_a_bead_is_another_material(sensor):
    model = load(1300)
    blue = at_home(model).geom("blue").xpos
    samples = line(sensor, blue + [0, 0, 0.010])
    [top, *_] = peaks(samples)
    assert top * DEPTH_STEP_M == pytest.approx(0.005, abs=DEPTH_STEP_M)
    assert samples[top - 2] == pytest.approx(0.44 / 2.44 * np.exp(-0.5), rel=1e-6)
    # The bead is 10 mm thick; behind it is tissue, for the skin ends inside the bead.
    assert np.abs(peaks(samples) - 750).min() <= 1


def test_the_table_is_opaque(sensor):
    [far] = peaks(line(sensor, [0.4, 0.2, 0.010]))
    samples = line(sensor, [0.4, 0.2, 0.010])
    assert far == 500
    assert samples[far] == pytest.approx(1.0)
    assert not samples[520:].any()


def test_distances_equal_mujocos_rays(sensor):
    """The closed form against mj_ray: the first thing that each of many lines meets."""
    model = load(1300)
    data = at_home(model)
    generator = np.random.default_rng(0)
    groups = np.isin(np.arange(6), SEEN_GROUPS).astype(np.uint8)
    tips = generator.uniform([0.1, -0.1, 0.01], [0.3, 0.1, 0.1], (200, 3))
    axes = generator.normal(size=(200, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    enter, leave = sensor.chords(tips, axes)
    ahead = np.concatenate([enter, leave], axis=1)
    ahead[ahead < 0] = np.inf
    hits = 0
    for tip, axis, distance in zip(tips, axes, ahead.min(axis=1)):
        expected = mujoco.mj_ray(model, data, tip, axis, groups, 1, -1, np.zeros(1, np.int32))
        assert distance == (np.inf if expected < 0 else pytest.approx(expected, abs=1e-9))
        hits += expected >= 0
    assert 50 < hits < 200


def test_samples_of_a_batch_are_those_of_single_lines(sensor):
    tips = np.array([beside_the_beads(place)[0] for place in (0.001, 0.004, -0.002)])
    axes = np.array([beside_the_beads(0)[1]] * 3)
    forces = np.array([0.0, 1.0, 2.0])
    batch = sensor.batch(np.hstack([tips, axes]), forces)
    assert batch.shape == (3, CHANNELS) and batch.dtype == np.float32
    np.testing.assert_array_equal(batch[:, -1], forces)
    for sample, tip, axis in zip(batch, tips, axes):
        np.testing.assert_array_equal(sample[:-1], line(sensor, tip, axis).astype(np.float32))


def test_geometry_that_the_sensor_cannot_see_is_refused():
    model = load(1300)
    model.geom("skin").type[:] = mujoco.mjtGeom.mjGEOM_CAPSULE
    with pytest.raises(SimError, match="spheres and boxes"):
        Sensor(model, at_home(model))


def test_force_is_zero_in_free_space_and_grows_with_depth():
    simulation = Simulation()
    depths, forces = [], []
    for _ in range(110):
        simulation.robot.twist([0, 0, -0.04, 0, 0, 0])
        captured = simulation.advance(26)
        depths.append(0.035 - captured.states[-1].tip[2])
        forces.append(captured.batches[-1].samples[-1, -1])
    depths, forces = np.array(depths), np.array(forces)
    assert not forces[depths < 0].any()
    # 0.2 N a millimetre, and a little for the speed.
    deep = depths > 0.005
    assert deep.sum() > 15
    slope, offset = np.polyfit(depths[deep], forces[deep], 1)
    assert slope == pytest.approx(200, rel=0.05)
    assert 0 < offset < 0.6
    assert np.all(np.diff(forces[depths > 0.001]) > 0)
