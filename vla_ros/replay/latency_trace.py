"""How long each encode takes in a lockstep replay: a constant, a bag's own encodes, or a CSV."""

import csv
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vla_ros.core.errors import BagError, ParameterError
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.run_log import RunLog

RECORDED = "recorded"
COLUMN = "latency_ms"
_LATENCY = "vla_ros/msg/StageLatency"
_ENCODER = "vl_encoder"
_LONGEST_MS = 600_000.0


@dataclass(frozen=True, slots=True)
class LatencyTrace:
    """Latencies of the encodes in their order; after the last the first comes again."""

    name: str  # 381ms, recorded, or the file's name
    latencies_ms: tuple[float, ...]

    @property
    def value(self) -> float | str:
        """Return the constant [ms], or the name of another trace."""
        first_ms = self.latencies_ms[0]
        return first_ms if self.name == _constant(first_ms) else self.name

    def durations_ns(self) -> Iterator[int]:
        """Yield one latency an encode [ns], without an end."""
        return itertools.cycle([round(value * 1e6) for value in self.latencies_ms])


def parse_traces(text: str, bag: BagReader) -> list[LatencyTrace]:
    """Return the traces that a text such as `35,381,recorded,trace.csv` names.

    Args:
        text: numbers of milliseconds, `recorded` and CSV files, separated by commas.
        bag: whose encodes `recorded` means.

    Raises:
        ParameterError: one is neither, negative, not finite, or given twice.
        BagError: the bag has no encodes.
    """
    traces = [_trace(item.strip(), bag) for item in text.split(",")]
    names = [trace.name for trace in traces]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ParameterError(f"vl_latency_ms {text!r} names {', '.join(twice)} twice; once each")
    return traces


def _trace(item: str, bag: BagReader) -> LatencyTrace:
    if item == RECORDED:
        return LatencyTrace(RECORDED, recorded_ms(bag))
    try:
        value = float(item)
    except ValueError:
        return LatencyTrace(Path(item).stem, _read_csv(Path(item)))
    return LatencyTrace(_constant(value), _checked("vl_latency_ms", [value]))


def _constant(value_ms: float) -> str:
    return f"{value_ms:g}ms"


def recorded_ms(bag: BagReader) -> tuple[float, ...]:
    """Return how long each encode of a recorded run took, from the choice of its images on.

    Raises:
        BagError: the bag tells of none.
    """
    log = RunLog()
    topics = [topic for topic, msgtype in bag.topics.items() if msgtype == _LATENCY]
    for record in bag.messages(topics) if topics else ():
        log.add(record.msgtype, record.log_ns, bag.decode(record))
    if _ENCODER not in log.cycles:
        raise BagError(
            f"{bag.path} has no latencies of {_ENCODER} on a {_LATENCY} topic; give milliseconds "
            f"or a CSV file with a column {COLUMN} instead of {RECORDED!r}"
        )
    return tuple(float(value) * 1e3 for value in log.cycles[_ENCODER]["duration_s"])


def _read_csv(path: Path) -> tuple[float, ...]:
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ParameterError(
            f"vl_latency_ms is {str(path)!r}; milliseconds, {RECORDED!r} or a readable CSV file is "
            f"allowed ({error})"
        ) from error
    if not rows or COLUMN not in rows[0]:
        has = ", ".join(map(str, rows[0])) if rows else "no rows"
        raise ParameterError(f"{path} has {has}; a column {COLUMN} with a row an encode is needed")
    try:
        values = [float(row[COLUMN]) for row in rows]
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{path}: {COLUMN}: {error}; numbers are allowed") from error
    return _checked(f"{path}: {COLUMN}", values)


def _checked(name: str, values: Sequence[float]) -> tuple[float, ...]:
    for value in values:
        if not (math.isfinite(value) and 0.0 <= value <= _LONGEST_MS):
            raise ParameterError(f"{name} is {value:g}; 0 to {_LONGEST_MS:g} is allowed [ms]")
    return tuple(values)
