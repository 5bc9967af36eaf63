"""Where time goes: a timer for the stages of one cycle, and the statistics of many."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a cycle; its start is on the steady clock."""

    name: str
    start_ns: int
    duration_ns: int


class StageTimer:
    """Times the stages of one cycle.

    >>> timer = StageTimer()
    >>> with timer("decode"):
    ...     pass
    >>> timer.add("transport", start_ns=1_000, duration_ns=4_000)
    >>> [stage.name for stage in timer.stages]
    ['decode', 'transport']
    """

    def __init__(
        self,
        finish: Callable[[], None] = lambda: None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Call `finish` at the end of each stage: it waits for a device that works by itself.

        `clock` gives nanoseconds that never run backwards.
        """
        self._finish = finish
        self._clock = clock
        self.stages: list[Stage] = []

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what is done inside the `with`; a stage that raises is not counted."""
        start_ns = self._clock()
        yield
        self._finish()
        self.stages.append(Stage(name, start_ns, self._clock() - start_ns))

    def add(self, name: str, start_ns: int, duration_ns: int) -> None:
        """Add a stage that was measured elsewhere."""
        self.stages.append(Stage(name, start_ns, duration_ns))


@dataclass(frozen=True, slots=True)
class Stats:
    """The distribution of `count` numbers, in their own unit; NaN where there are none."""

    count: int
    mean: float
    p50: float
    p90: float
    p99: float
    p99_9: float
    max: float

    def as_dict(self) -> dict[str, float | int | None]:
        """Return the fields by name, None for NaN (JSON knows no NaN)."""
        return {k: None if math.isnan(v) else v for k, v in asdict(self).items()}


def stats(values: ArrayLike) -> Stats:
    """Return the distribution of `values` (any shape); what is not finite is left out.

    Percentiles are interpolated linearly between the two nearest values.
    """
    array = np.asarray(values, np.float64).ravel()
    array = array[np.isfinite(array)]
    if not array.size:
        return Stats(0, *[math.nan] * 6)
    p50, p90, p99, p99_9 = np.percentile(array, [50, 90, 99, 99.9])
    return Stats(array.size, *map(float, (array.mean(), p50, p90, p99, p99_9, array.max())))


def rate_hz(times_s: Sequence[float] | Floats) -> float:
    """Return how often something happened a second, NaN when it happened less than twice."""
    if len(times_s) < 2 or times_s[-1] <= times_s[0]:
        return math.nan
    return float((len(times_s) - 1) / (times_s[-1] - times_s[0]))


def nominal_period_s(times_s: Floats, ticks: Floats) -> float:
    """Return the period of the grid that ticks lie on, NaN for less than two.

    It is the median distance, or else the mean one (where early and late ones alternate, the
    median is one of them), taken as a whole number of hertz where it lies within 1 % of one: a
    grid of 10 Hz that runs at 100.3 ms is then 0.3 ms wrong, and not right by definition. Where
    neither does, it is the median.

    Args:
        times_s: when each tick happened, (N,).
        ticks: the number of each tick, (N,); missed ticks are jumps.
    """
    steps = np.diff(ticks)
    follows = steps > 0
    if not follows.any():
        return math.nan
    distances_s = np.diff(times_s)[follows]
    median_s = float(np.median(distances_s / steps[follows]))
    for period_s in (median_s, float(distances_s.sum() / steps[follows].sum())):
        whole_hz = round(1.0 / period_s) if period_s > 0.0 else 0
        if whole_hz and abs(whole_hz * period_s - 1.0) < 0.01:
            return 1.0 / whole_hz
    return median_s


def period_deviations_s(times_s: Floats, ticks: Floats, period_s: float) -> Floats:
    """Return by how much each distance between two ticks is longer than the grid's, (<= N-1,).

    Two ticks with missed ones between them are held against that many periods; where the
    numbering starts again (the node was restarted) there is no distance.
    """
    steps = np.diff(ticks)
    follows = steps > 0
    deviations: Floats = np.diff(times_s)[follows] - steps[follows] * period_s
    return deviations


def period_errors_s(times_s: Floats, ticks: Floats, period_s: float) -> Floats:
    """Return how far each distance between two ticks is from the grid's, unsigned, (<= N-1,)."""
    errors: Floats = np.abs(period_deviations_s(times_s, ticks, period_s))
    return errors


def deadlines_missed(times_s: Floats, period_s: float) -> int:
    """Return how many places of a grid went by empty; one that is late by a period left one.

    As on the tick's grid, a tenth of a period is granted.
    """
    if not (period_s > 0.0 and math.isfinite(period_s)):
        return 0
    periods = np.diff(times_s) / period_s
    return int(np.maximum(np.floor(periods + 0.1) - 1.0, 0.0).sum())


def counter_total(values: ArrayLike) -> int:
    """Return by how much a counter that started at zero grew; a fall means that it restarted."""
    array = np.concatenate([[0.0], np.asarray(values, np.float64)])
    steps = np.diff(array)
    return int(np.where(steps < 0, array[1:], steps).sum())
