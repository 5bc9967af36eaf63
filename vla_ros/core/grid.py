"""Ticks on a fixed grid: a missed one is counted, never made up."""

from dataclasses import dataclass

from vla_ros.core.time import NS


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick that happened."""

    number: int  # its place on the grid; 0 is the first
    late_s: float  # how long after its place on the grid
    missed: int  # places passed over since the tick before


class TickGrid:
    """The grid start + n * period on the steady clock."""

    def __init__(self, rate_hz: float) -> None:
        """Place the grid with the first tick."""
        self.period_ns = round(NS / rate_hz)
        self._start_ns: int | None = None
        self._last = -1
        self.missed = 0

    def tick(self, steady_ns: int) -> Tick:
        """Assign a tick that happens now to its place on the grid.

        A tick belongs to the place that it comes after, with a tenth of a period's grace for a
        timer that fires early.
        """
        if self._start_ns is None:
            self._start_ns = steady_ns
        elapsed_ns = steady_ns - self._start_ns
        number = max((elapsed_ns + self.period_ns // 10) // self.period_ns, self._last + 1)
        missed = number - self._last - 1
        self.missed += missed
        self._last = number
        return Tick(number, (elapsed_ns - number * self.period_ns) / NS, missed)
