"""The needle's sensor: an optical depth scan (A-scan) ahead of the tip, and the axial force.

The scan is what optical coherence tomography sees along one line: a peak at each interface, as
high as the refractive indices there differ (Fresnel), on the back-scatter of the medium, both
fading exponentially on the way (Beer-Lambert). It follows from the scene's geometry alone.
"""

import mujoco
import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import SimError
from vla_ros.sim.world import TIP

DEPTH_BINS = 1025
CHANNELS = DEPTH_BINS + 1
DEPTH_STEP_M = 20e-6
RANGE_M = (DEPTH_BINS - 1) * DEPTH_STEP_M

Matrix = NDArray[np.float64]

SEEN_GROUPS = (0, 3)
# Half width of the window into which a peak is drawn; its shape is a Gaussian of 2 bins.
_PEAK_SIGMA = 2.0
_PEAK_HALF = 8
_AIR = np.array([1.0, 0.0, 0.0])  # refractive index, attenuation [1/m], back-scatter


class Sensor:
    """Depth lines and forces of a scene whose seen geoms do not move."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """Read the geometry and the materials of what the sensor sees.

        Raises:
            SimError: a seen geom is neither a sphere nor a box, or moves.
        """
        self._model, self._data = model, data
        seen = [g for g in range(model.ngeom) if model.geom_group[g] in SEEN_GROUPS]
        kinds = model.geom_type[seen]
        known = (mujoco.mjtGeom.mjGEOM_SPHERE, mujoco.mjtGeom.mjGEOM_BOX)
        fixed = model.body_weldid[model.geom_bodyid[seen]] == 0
        if not np.all(np.isin(kinds, known) & fixed):
            raise SimError("the sensor sees geoms other than fixed spheres and boxes")
        self._sphere = kinds == mujoco.mjtGeom.mjGEOM_SPHERE
        self._size: Matrix = model.geom_size[seen]
        self._centre: Matrix = data.geom_xpos[seen].copy()
        self._frame: Matrix = data.geom_xmat[seen].reshape(-1, 3, 3).copy()
        self._optics = np.vstack([_AIR, model.geom_user[seen]])
        tip = model.site(TIP)
        self._tip_geom = model.geom("tip").id
        self._tip: Matrix = data.site_xpos[tip.id]
        self._axis: Matrix = data.site_xmat[tip.id].reshape(3, 3)[:, 2]

    def place(self) -> Matrix:
        """Return (6,): where the tip is [m] and which way the needle points, in the base frame."""
        return np.concatenate([self._tip, self._axis])

    def force(self) -> float:
        """Return the push on the tip along the needle [N]: 0 in free space, positive in contact."""
        data, total, wrench = self._data, 0.0, np.zeros(6)
        for number in range(data.ncon):
            contact = data.contact[number]
            if self._tip_geom in contact.geom:
                mujoco.mj_contactForce(self._model, data, number, wrench)
                # The frame's first axis points from geom[0] to geom[1], and so does the push.
                away = 1.0 if contact.geom[1] == self._tip_geom else -1.0
                total -= away * wrench[0] * float(contact.frame[:3] @ self._axis)
        return total

    def batch(self, places: Matrix, forces: Matrix) -> NDArray[np.float32]:
        """Return (N, 1026) samples of N tip places (N, 6) and forces (N,)."""
        samples = np.empty((len(places), CHANNELS), np.float32)
        samples[:, :DEPTH_BINS] = self.lines(places[:, :3], places[:, 3:])
        samples[:, DEPTH_BINS] = forces
        return samples

    def lines(self, tips: Matrix, axes: Matrix) -> Matrix:
        """Return (N, 1025) amplitudes, each as a part of what was sent out.

        Bin i is what lies i * 20 um ahead of the tip (N, 3) along the axis (N, 3).
        """
        enter, leave = self.chords(tips, axes)
        # One line's edges: 0, every boundary ahead in order, the far end.
        far = RANGE_M + DEPTH_STEP_M * _PEAK_HALF * 2
        bounds = np.sort(np.clip(np.concatenate([enter, leave], axis=1), 0.0, far), axis=1)
        edges = np.pad(bounds, ((0, 0), (1, 1)), constant_values=((0, 0), (0.0, far)))
        index, attenuation, scatter = self._media(enter, leave, edges)
        loss = attenuation * np.diff(edges, axis=1)
        before = np.cumsum(loss, axis=1) - loss
        step = (index[:, 1:] - index[:, :-1]) / np.maximum(index[:, 1:] + index[:, :-1], 1e-9)
        lit = np.cumprod(np.pad(1.0 - step**2, ((0, 0), (1, 0)), constant_values=1.0), axis=1)
        # What is left of the light where segment i begins.
        light = lit * np.exp(-before)
        depths = np.arange(DEPTH_BINS) * DEPTH_STEP_M
        lines = np.empty((len(tips), DEPTH_BINS))
        for row, (edge, mu, level) in enumerate(zip(edges, attenuation, light * scatter)):
            segment = np.searchsorted(edge[1:-1], depths, side="right")
            lines[row] = level[segment] * np.exp(-mu[segment] * (depths - edge[segment]))
        heights = np.asarray(np.abs(step) * lit[:, :-1] * np.exp(-before[:, 1:]), np.float64)
        _add_peaks(lines, bounds, heights)
        return lines

    def chords(self, tips: Matrix, axes: Matrix) -> tuple[Matrix, Matrix]:
        """Return where each line enters and leaves each seen geom, (N, G) twice [m].

        Negative is behind the tip; both are infinite where the line misses the geom.
        """
        to_tip = tips[:, None] - self._centre
        middle = np.einsum("ngi,ni->ng", to_tip, axes)
        radius = self._size[:, 0]
        with np.errstate(invalid="ignore", divide="ignore"):
            half = np.sqrt(radius**2 - (np.sum(to_tip**2, axis=2) - middle**2))
            enter, leave = -middle - half, -middle + half
            box = ~self._sphere
            start = np.einsum("ngi,gij->ngj", to_tip[:, box], self._frame[box])
            way = np.einsum("ni,gij->ngj", axes, self._frame[box])
            sides = np.stack([(-self._size[box] - start) / way, (self._size[box] - start) / way])
            enter[:, box] = np.max(np.min(sides, axis=0), axis=2)
            leave[:, box] = np.min(np.max(sides, axis=0), axis=2)
        missed = ~(enter < leave)
        enter[missed] = leave[missed] = np.inf
        return enter, leave

    def _media(self, enter: Matrix, leave: Matrix, edges: Matrix) -> tuple[Matrix, ...]:
        """Return index, attenuation and back-scatter of each segment, (N, S) each."""
        middle = (edges[:, 1:] + edges[:, :-1])[..., None] / 2
        inside = (enter[:, None] <= middle) & (middle < leave[:, None])
        # The last geom that holds the point counts; none is air, row 0.
        count = inside.shape[2]
        last = count - np.argmax(inside[..., ::-1], axis=2)
        medium = np.where(inside.any(axis=2), last, 0)
        return tuple(np.moveaxis(self._optics[medium], 2, 0))


def _add_peaks(lines: Matrix, places_m: Matrix, heights: Matrix) -> None:
    """Add a Gaussian at each place (N, K) to lines (N, B), where it is in range."""
    rows, columns = np.nonzero(heights > 1e-9)
    at = places_m[rows, columns] / DEPTH_STEP_M
    bins = np.rint(at).astype(int)[:, None] + np.arange(-_PEAK_HALF, _PEAK_HALF + 1)
    shape = np.exp(-0.5 * ((bins - at[:, None]) / _PEAK_SIGMA) ** 2)
    values = heights[rows, columns][:, None] * shape
    kept = (bins >= 0) & (bins < lines.shape[1])
    np.add.at(lines, (np.broadcast_to(rows[:, None], bins.shape)[kept], bins[kept]), values[kept])
