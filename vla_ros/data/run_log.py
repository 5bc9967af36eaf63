"""What happened in a run, taken from its messages as they come: live, or out of a bag."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vla_ros.data.table import Table

MODES = ("WAITING", "RUNNING", "SLOWED", "HOLD")
PROCESS = "process "
_NODES = ("vl_encoder", "action", "command")


@dataclass(frozen=True, slots=True)
class ModeChange:
    """A node went into another mode, and why."""

    t_s: float
    node: str
    mode: str
    reason: str


def _cycles() -> Table:
    return Table("t_s", "cycle", "missed", "duration_s")


def _stages() -> Table:
    return Table("t_s", "start_s", "duration_s")


def _view_ages() -> Table:
    return Table("t_s", "age_s", "skew_s")


def _process() -> Table:
    return Table("t_s", "cpu_s", "rss_mb")


class RunLog:
    """The numbers of a run, as tables. Times are seconds since the first message was received.

    Attributes:
        cycles: by node: when each cycle started, its number, how many were missed so far, and how
            long it took until its last stage ended.
        stages: by (node, stage): when the cycle started, the stage's start after it and duration.
        features: the sets of features received, with the capture time of their oldest image.
        images_used: by view: how many different images were encoded.
        view_tokens: by view: image tokens in the last features.
        chunks: the ticks: their time, number, mode and the ages of their inputs.
        views: by view: the age of its image at each tick, and how it lagged behind its set.
        commands: when each command was received, and its speed (`speed_unit`).
        modes: mode changes, in order.
        diagnostics: by status name: level, message and values as they were last.
        processes: by node: CPU time used so far and resident memory.
        pids: by status name: the process that reported itself.
        unreadable: by type: messages that make no sense as this version's.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.origin_ns: int | None = None
        self.duration_s = 0.0
        self.cycles: dict[str, Table] = defaultdict(_cycles)
        self.stages: dict[tuple[str, str], Table] = defaultdict(_stages)
        self.features = Table("received_s", "stamp_s", "sequence", "tokens")
        self.images_used: Counter[str] = Counter()
        self.view_tokens: dict[str, int] = {}
        self.chunks = Table(
            *("t_s", "tick", "mode", "features_age_s"),
            *("sensor_age_s", "sensor_gap_s", "state_age_s", "state_gap_s"),
        )
        self.views: dict[str, Table] = defaultdict(_view_ages)
        self.commands = Table("t_s", "speed")
        self.speed_unit = "m/s"
        self.modes: list[ModeChange] = []
        self.diagnostics: dict[str, dict[str, Any]] = {}
        self.processes: dict[str, Table] = defaultdict(_process)
        self.pids: dict[str, int] = {}
        self.unreadable: Counter[str] = Counter()
        self._mode_at: dict[str, int] = {}
        self._view_stamp: dict[str, float] = {}
        self._positions: tuple[float, Any] | None = None

    def add(self, msgtype: str, log_ns: int, message: Any) -> None:
        """Take in a message; one of a type that is not in TYPES only extends the run."""
        if self.origin_ns is None:
            self.origin_ns = log_ns
        t_s = (log_ns - self.origin_ns) / 1e9
        self.duration_s = max(self.duration_s, t_s)
        handle = _HANDLERS.get(msgtype)
        if handle is None:
            return
        try:
            handle(self, t_s, message)
        except (AttributeError, IndexError, TypeError, ValueError):
            self.unreadable[msgtype] += 1  # of another version, or its contents contradict

    @property
    def nodes(self) -> list[str]:
        """The nodes that told their latency, in the order in which data flows through them."""
        known = [node for node in _NODES if node in self.cycles]
        return known + sorted(self.cycles.keys() - set(known))

    def _stamp_s(self, stamp: Any) -> float:
        assert self.origin_ns is not None
        return float((stamp.sec * 10**9 + stamp.nanosec - self.origin_ns) / 1e9)

    def _latency(self, _t_s: float, message: Any) -> None:
        t_s = self._stamp_s(message.header.stamp)
        rows = zip(message.stages, message.start_ms, message.duration_ms, strict=True)
        stages = [(name, start / 1e3, duration / 1e3) for name, start, duration in rows]
        duration_s = max((start_s + lasted_s for _, start_s, lasted_s in stages), default=0.0)
        self.cycles[message.node].append(t_s, message.cycle, message.missed, duration_s)
        for name, start_s, lasted_s in stages:
            self.stages[message.node, name].append(t_s, start_s, lasted_s)

    def _features(self, t_s: float, message: Any) -> None:
        views = list(zip(message.views, message.view_stamps, message.view_tokens, strict=True))
        stamp_s = self._stamp_s(message.header.stamp)
        self.features.append(t_s, stamp_s, message.sequence, message.total_tokens)
        for view, stamp, tokens in views:
            captured_s = self._stamp_s(stamp)
            self.view_tokens[view] = int(tokens)
            if self._view_stamp.get(view) != captured_s:
                self._view_stamp[view] = captured_s
                self.images_used[view] += 1

    def _chunk(self, _t_s: float, message: Any) -> None:
        views = list(zip(message.views, message.view_age_s, message.view_skew_s, strict=True))
        t_s = self._stamp_s(message.header.stamp)
        self.chunks.append(
            *(t_s, message.tick, message.mode, message.features_age_s),
            *(message.sensor_age_s, message.sensor_gap_s),
            *(message.state_age_s, message.state_gap_s),
        )
        for view, age_s, skew_s in views:
            self.views[view].append(t_s, age_s, skew_s)
        mode = MODES[message.mode] if message.mode < len(MODES) else str(message.mode)
        self._note_mode(t_s, "action", mode, "")

    def _twist(self, _t_s: float, message: Any) -> None:
        linear = message.twist.linear
        speed = float(np.linalg.norm([linear.x, linear.y, linear.z]))
        self.commands.append(self._stamp_s(message.header.stamp), speed)

    def _joint_velocities(self, t_s: float, message: Any) -> None:
        self.speed_unit = "rad/s"
        self.commands.append(t_s, float(np.linalg.norm(message.data)))

    def _trajectory(self, t_s: float, message: Any) -> None:
        """Take the speed from the points, or from the way since the last command."""
        self.speed_unit = "rad/s"
        if not message.points:
            return
        point = message.points[0]
        positions = np.asarray(point.positions, np.float64)
        if len(point.velocities):
            speed = float(np.linalg.norm(point.velocities))
        elif self._positions is None or t_s <= self._positions[0]:
            speed = 0.0
        else:
            speed = float(np.linalg.norm(positions - self._positions[1]))
            speed /= t_s - self._positions[0]
        self._positions = (t_s, positions)
        self.commands.append(t_s, speed)

    def _diagnostics(self, t_s: float, message: Any) -> None:
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            if status.name.startswith(PROCESS) and {"cpu_s", "rss_mb"} <= values.keys():
                name = status.name.removeprefix(PROCESS)
                usage = float(values["cpu_s"]), float(values["rss_mb"])
                self.processes[name].append(t_s, *usage)
                continue
            level = status.level[0] if isinstance(status.level, bytes) else int(status.level)
            self.diagnostics[status.name] = {
                "level": level,
                "message": status.message,
                "values": values,
            }
            if values.get("pid", "").isdecimal():
                self.pids[status.name] = int(values["pid"])
            if "mode" in values:
                reason = values.get("reason", status.message)
                self._note_mode(t_s, status.name, values["mode"], reason)

    def _note_mode(self, t_s: float, node: str, mode: str, reason: str) -> None:
        """Note a mode that is new; chunks tell it first, diagnostics a little later say why."""
        at = self._mode_at.get(node)
        known = None if at is None else self.modes[at]
        if known is None or known.mode != mode:
            self._mode_at[node] = len(self.modes)
            self.modes.append(ModeChange(t_s, node, mode, reason))
        elif at is not None and reason and not known.reason:
            self.modes[at] = replace(known, reason=reason)


_HANDLERS: dict[str, Callable[[RunLog, float, Any], None]] = {
    "vla_ros/msg/StageLatency": RunLog._latency,
    "vla_ros/msg/VlFeatures": RunLog._features,
    "vla_ros/msg/ActionChunk": RunLog._chunk,
    "geometry_msgs/msg/TwistStamped": RunLog._twist,
    "std_msgs/msg/Float64MultiArray": RunLog._joint_velocities,
    "trajectory_msgs/msg/JointTrajectory": RunLog._trajectory,
    "diagnostic_msgs/msg/DiagnosticArray": RunLog._diagnostics,
}
TYPES = frozenset(_HANDLERS)
