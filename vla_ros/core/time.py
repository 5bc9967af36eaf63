"""Ages that no clock can falsify."""

from dataclasses import dataclass

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Now:
    """The two clocks, read together."""

    ros_ns: int
    steady_ns: int


@dataclass(frozen=True, slots=True)
class Seen:
    """When something was captured, and when it reached this process."""

    stamp_ns: int
    arrived_ns: int

    def age_s(self, now: Now) -> float:
        """Return the age since capture [s], never less than the time since arrival.

        A stamp in the future stays fresh until its date by the ROS clock alone; the steady clock
        of the arrival bounds it from below.
        """
        return max(now.ros_ns - self.stamp_ns, now.steady_ns - self.arrived_ns, 0) / NS

    def captured_steady_ns(self, now: Now) -> int:
        """Return the capture time on the steady clock."""
        return now.steady_ns - int(self.age_s(now) * NS)


class JumpDetector:
    """Notices when the ROS clock was set: what was stamped before then cannot be compared."""

    def __init__(self, tolerance_s: float = 0.25) -> None:
        """Accept drift and scheduling noise up to `tolerance_s` between two looks."""
        self._tolerance_ns = int(tolerance_s * NS)
        self._offset_ns: int | None = None

    def jumped(self, now: Now) -> bool:
        """Return whether the ROS clock moved against the steady clock since the last look."""
        offset_ns = now.ros_ns - now.steady_ns
        before_ns, self._offset_ns = self._offset_ns, offset_ns
        return before_ns is not None and abs(offset_ns - before_ns) > self._tolerance_ns
