"""One line a second about a running graph, under a heading that comes back (as vmstat does)."""

import math

from vla_ros.core.latency import nominal_period_s, period_errors_s, rate_hz, stats
from vla_ros.data.run_log import RunLog

_COLUMNS = (
    *("t s", "feat Hz", "age ms", "VL ms", "chunk Hz", "p99 ms", "missed", "cmd Hz"),
    *("MB", "dropped", "mode"),
)
_HEADING_EVERY = 20
# Rates and percentiles are those of the last seconds, so that the line tells of now.
_FEATURES_WINDOW = 5
_CHUNKS_WINDOW = 100


class LiveTable:
    """Prints what a RunLog has newly learnt.

    feat Hz: sets of features; age: of the oldest features used since the last line; VL: vision
    and language of the last encode; p99: error of the tick's period over the last 100; missed:
    ticks so far; MB, dropped: recorded in the bag, and messages that could not be.
    """

    def __init__(self, log: RunLog) -> None:
        """Watch `log`."""
        self._log = log
        self._lines = 0
        self._counts = (0, 0)
        self._t_s = 0.0

    def lines(self, t_s: float, recorded_mb: float, dropped: int) -> list[str]:
        """Return the next line, and the heading above it where it is due.

        Args:
            t_s: steady time since the start.
            recorded_mb: size of the bag.
            dropped: messages that could not be recorded.
        """
        log = self._log
        counts = len(log.chunks), len(log.commands)
        age_ms = stats(log.chunks.since("features_age_s", self._counts[0])).max * 1e3
        elapsed_s = max(t_s - self._t_s, 1e-9)
        chunk_hz, command_hz = (
            (now - before) / elapsed_s for now, before in zip(counts, self._counts, strict=True)
        )
        self._counts, self._t_s = counts, t_s
        cells = (
            *(f"{int(t_s)}", _text(self._feature_rate(), 2), _text(age_ms, 0)),
            *(_text(self._encode_ms(), 0), f"{chunk_hz:.1f}", _text(self._jitter_ms(), 2)),
            *(str(self._missed()), f"{command_hz:.1f}", f"{recorded_mb:.1f}", str(dropped)),
            self._mode(),
        )
        line = " ".join(f"{cell:>8}" for cell in cells)
        heading = " ".join(f"{name:>8}" for name in _COLUMNS)
        self._lines += 1
        return [line] if (self._lines - 1) % _HEADING_EVERY else [heading, line]

    def _feature_rate(self) -> float:
        first = max(len(self._log.features) - _FEATURES_WINDOW, 0)
        received_s = self._log.features.since("received_s", first)
        if not len(received_s):
            return math.nan
        # Nothing for two seconds is no more than half a hertz, whatever was before.
        silence_s = max(self._log.duration_s - received_s[-1], 1e-9)
        return min(rate_hz(received_s), 1.0 / silence_s)

    def _encode_ms(self) -> float:
        total_s = 0.0
        for stage in ("vision", "language"):
            rows = self._log.stages.get(("vl_encoder", stage))
            if rows is None:
                continue
            total_s += rows.since("duration_s", len(rows) - 1)[0]
        return total_s * 1e3 if total_s else math.nan

    def _jitter_ms(self) -> float:
        chunks = self._log.chunks
        first = max(len(chunks) - _CHUNKS_WINDOW, 0)
        times_s, ticks = chunks.since("t_s", first), chunks.since("tick", first)
        errors_s = period_errors_s(times_s, ticks, nominal_period_s(times_s, ticks))
        return stats(errors_s * 1e3).p99

    def _missed(self) -> int:
        cycles = self._log.cycles.get("action")
        return int(cycles.since("missed", len(cycles) - 1)[0]) if cycles else 0

    def _mode(self) -> str:
        """Return the mode of the node that moves the robot, else what the chunks say."""
        changes = self._log.modes
        moving = [change for change in changes if "command" in change.node]
        return (moving or changes)[-1].mode if changes else "-"


def _text(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"
