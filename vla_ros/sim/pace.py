"""Physics against the clock: how many steps are due, and how many are too many."""

from collections.abc import Callable
from dataclasses import dataclass

from vla_ros.core.time import NS

# A clock reading that took longer than this was interrupted, and tells nothing.
_QUICK_NS = 100_000


@dataclass(slots=True)
class Pacer:
    """Steps on a grid from `start_ns` on the steady clock.

    Short delays are made up for. What is behind by more than `backlog_s` is given up and counted:
    catching up would only make the next delay longer.
    """

    rate_hz: float
    start_ns: int
    backlog_s: float = 0.1
    overruns: int = 0
    skipped: int = 0  # steps

    def due(self, now_ns: int, step: int) -> tuple[int, int]:
        """Return how many steps to skip and then how many to run, where `step` is the next."""
        behind = int((now_ns - self.start_ns) * self.rate_hz / NS) + 1 - step
        if behind <= self.backlog_s * self.rate_hz:
            return 0, max(0, behind)
        self.overruns += 1
        self.skipped += behind - 1
        return behind - 1, 1

    def time_ns(self, step: int) -> int:
        """Return the steady time at which a step is due."""
        return self.start_ns + round(step * NS / self.rate_hz)


class RosTime:
    """ROS time of a steady time; follows jumps of the ROS clock."""

    def __init__(self, steady_ns: Callable[[], int], ros_ns: Callable[[], int]) -> None:
        """Take both clocks."""
        self._steady_ns, self._ros_ns = steady_ns, ros_ns
        self._offset_ns = ros_ns() - steady_ns()

    def of(self, steady_ns: int) -> int:
        """Return the ROS time [ns] at which the steady clock showed `steady_ns`."""
        before = self._steady_ns()
        ros = self._ros_ns()
        after = self._steady_ns()
        if after - before < _QUICK_NS:
            self._offset_ns = ros - (before + after) // 2
        return steady_ns + self._offset_ns
