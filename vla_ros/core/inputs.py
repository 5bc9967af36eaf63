"""What the action node knows, and how old each part of it is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import MessageError
from vla_ros.core.rings import SampleRing, Window
from vla_ros.core.time import NS, Now, Seen

# A window of so many samples covers another time at another rate.
_RATE_SLACK = 0.1


@dataclass(frozen=True, slots=True)
class Features:
    """One set of features, and where it came from."""

    data: NDArray[np.float32]  # (D,)
    session: str
    sequence: int
    views: tuple[str, ...]
    seen: tuple[Seen, ...]  # capture and arrival, one a view

    def ages_s(self, now: Now) -> tuple[float, ...]:
        """Return the age of each view's image [s]."""
        return tuple(seen.age_s(now) for seen in self.seen)

    def skews_s(self) -> tuple[float, ...]:
        """Return how much older each image is than the newest of the set [s]."""
        newest_ns = max(seen.stamp_ns for seen in self.seen)
        return tuple((newest_ns - seen.stamp_ns) / NS for seen in self.seen)


@dataclass(frozen=True, slots=True)
class StreamAge:
    """The ledger's line for a stream; NaN and 0 where it is not used."""

    age_s: float = math.nan
    gap_s: float = math.nan
    samples: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that one tick needs."""

    features: Features
    sensor: NDArray[np.float32] | None  # (window, channels)
    state: NDArray[np.float32] | None  # (window, joints + 6)
    view_ages_s: tuple[float, ...]
    sensor_age: StreamAge
    state_age: StreamAge

    @property
    def features_age_s(self) -> float:
        """Age of the oldest image [s]."""
        return max(self.view_ages_s)

    @property
    def stream_ages_s(self) -> dict[str, float]:
        """Ages of the streams by name [s], as `judge` takes them."""
        return {"sensor": self.sensor_age.age_s, "state": self.state_age.age_s}

    def ledger(self) -> dict[str, Any]:
        """Return the age ledger, by the names of its fields in vla_ros/ActionChunk."""
        return {
            "features_session": self.features.session,
            "features_sequence": self.features.sequence,
            "features_age_s": self.features_age_s,
            "views": list(self.features.views),
            "view_age_s": list(self.view_ages_s),
            "view_skew_s": list(self.features.skews_s()),
            "sensor_age_s": self.sensor_age.age_s,
            "sensor_gap_s": self.sensor_age.gap_s,
            "sensor_samples": self.sensor_age.samples,
            "state_age_s": self.state_age.age_s,
            "state_gap_s": self.state_age.gap_s,
            "state_samples": self.state_age.samples,
        }


class PolicyInputs:
    """Collects features, sensor samples and robot states."""

    def __init__(
        self,
        sensor: SampleRing | None,
        state: SampleRing | None,
        joints: Sequence[str],
        sensor_rate_hz: float = 0.0,
    ) -> None:
        """Take rings for the streams that the policy uses.

        Args:
            sensor: for the sensor's samples, None if not used.
            state: for joints and pose, None if not used.
            joints: names that order a JointState.
            sensor_rate_hz: what the policy was trained with; 0 accepts any.
        """
        if state is not None and state.channels != len(joints) + 6:
            raise MessageError(
                f"{len(joints)} joints and a pose make {len(joints) + 6} state channels; "
                f"the checkpoint has {state.channels}"
            )
        self._sensor = sensor
        self._state = state
        self._joints = tuple(joints)
        self._sensor_rate_hz = sensor_rate_hz
        self._pose: NDArray[np.float32] | None = None
        self._pose_seen: Seen | None = None
        self._features: Features | None = None

    def clear(self) -> None:
        """Forget everything, as after a clock jump."""
        for ring in (self._sensor, self._state):
            if ring is not None:
                ring.clear()
        self._features = self._pose = self._pose_seen = None

    def put_features(self, features: Features) -> None:
        """Take the newest features."""
        self._features = features

    def put_sensor(
        self, block: NDArray[np.float32], first_ns: int, period_ns: int, arrived_ns: int
    ) -> None:
        """Take a batch of sensor samples, (N, channels).

        Raises:
            MessageError: wrong channels, or a rate that the policy was not trained with.
        """
        rate_hz, trained_hz = NS / period_ns, self._sensor_rate_hz
        if trained_hz and len(block) > 1 and abs(rate_hz / trained_hz - 1) > _RATE_SLACK:
            raise MessageError(
                f"sensor at {rate_hz:.1f} Hz; the policy was trained with "
                f"{trained_hz:g} Hz (within {_RATE_SLACK:.0%} is allowed)"
            )
        if self._sensor is not None:
            self._sensor.append(block, first_ns, period_ns, arrived_ns)

    def put_pose(self, pose: NDArray[np.float32], seen: Seen) -> None:
        """Take the newest pose of the tool, (6,)."""
        self._pose, self._pose_seen = pose, seen

    def put_joints(self, positions: Mapping[str, float], seen: Seen) -> None:
        """Take the newest joint positions; with the newest pose they make one robot state.

        Raises:
            MessageError: a joint is missing.
        """
        missing = [name for name in self._joints if name not in positions]
        if missing:
            raise MessageError(
                f"joint_states lacks {', '.join(missing)}; it has: {', '.join(positions)}"
            )
        if self._state is None or self._pose is None:
            return
        joints = np.array([positions[name] for name in self._joints], np.float32)
        row = np.concatenate([joints, self._pose])[None]
        self._state.append(row, seen.stamp_ns, 1, seen.arrived_ns)

    def missing(self) -> list[str]:
        """Name the inputs that have not come yet."""
        absent = [] if self._features else ["features"]
        if self._sensor is not None and self._sensor.window() is None:
            absent.append("sensor")
        if self._state is not None and self._state.window() is None:
            absent.append("joint_states" if self._pose is not None else "ee_pose")
        return absent

    def snapshot(self, now: Now) -> Snapshot | None:
        """Return what this tick works on, None while an input is missing."""
        if self._features is None or self.missing():
            return None
        sensor = self._sensor.window() if self._sensor else None
        state = self._state.window() if self._state else None
        state_age = _stream_age(state, now)
        if state is not None and self._pose_seen is not None:
            age_s = max(state_age.age_s, self._pose_seen.age_s(now))
            state_age = StreamAge(age_s, state_age.gap_s, state_age.samples)
        return Snapshot(
            features=self._features,
            sensor=sensor.data if sensor else None,
            state=state.data if state else None,
            view_ages_s=self._features.ages_s(now),
            sensor_age=_stream_age(sensor, now),
            state_age=state_age,
        )


def _stream_age(window: Window | None, now: Now) -> StreamAge:
    if window is None:
        return StreamAge()
    return StreamAge(window.newest.age_s(now), window.gap_s, window.samples)
