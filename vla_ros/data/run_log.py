"""What happened in a run, taken from its messages as they come: live, or out of a bag."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vla_ros.core.chunks import MOTION, Chunk, seam
from vla_ros.core.sample_count import SampleCount
from vla_ros.core.time import NS
from vla_ros.data.table import Table

MODES = ("WAITING", "RUNNING", "SLOWED", "HOLD")
BAG_OVER = "the bag is over"  # what the bag source says when it has played everything
_DIAGNOSTICS = "diagnostic_msgs/msg/DiagnosticArray"
PROCESS, GPU, MACHINE = "process ", "gpu ", "machine"
VELOCITY = ("vx", "vy", "vz", "wx", "wy", "wz")
_NODES = ("vl_encoder", "action", "command")
_MOVING = ("RUNNING", "SLOWED")
# A chunk is played within a few ticks, or not at all.
_PLANS = 8


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
    return Table("t_s", "cpu_s", "rss_mb", "shm_mb", "threads")


def _gpu() -> Table:
    return Table("t_s", "utilisation_percent", "memory_mb")


def _counter() -> Table:
    return Table("t_s", "count")


class RunLog:
    """The numbers of a run, as tables. Times are seconds since the first message was received.

    Attributes:
        cycles: by node: when each cycle started, its number, how many were missed so far, and how
            long it took until its last stage ended.
        stages: by (node, stage): when the cycle started, the stage's start after it and duration.
        features: the sets of features received, with the capture time of their oldest image and
            how much newer their newest one is.
        images_used: by view: how many different images were encoded.
        view_tokens: by view: image tokens in the last features.
        chunks: the ticks: their time, number, mode and the ages of their inputs.
        views: by view: the age of its image at each tick, and how it lagged behind its set.
        commands: when each command was received, its speed (`speed_unit`) and, of twists, the
            velocities [m/s, rad/s] (NaN of other commands).
        seams: when a chunk took over from another, and how much the plan jumped (core.chunks.Seam).
        sensor: the sensor's samples, where the bag holds them.
        modes: mode changes, in order.
        diagnostics: by status name: level, message and values as they were last.
        counters: by (status name, key): how a counter `of.what` in the diagnostics grew.
        processes: by node: CPU time used so far, resident memory, shared memory that is mapped
            (/dev/shm) and threads; NaN where the recording does not say.
        machine: /dev/shm in use.
        gpus: by name: utilisation and memory in use.
        pids: by status name: the process that reported itself.
        unreadable: by type: messages that make no sense as this version's.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.origin_ns: int | None = None
        self.duration_s = 0.0
        self.cycles: dict[str, Table] = defaultdict(_cycles)
        self.stages: dict[tuple[str, str], Table] = defaultdict(_stages)
        self.features = Table("received_s", "stamp_s", "sequence", "tokens", "skew_s")
        self.images_used: Counter[str] = Counter()
        self.view_tokens: dict[str, int] = {}
        self.chunks = Table(
            *("t_s", "tick", "mode", "features_age_s"),
            *("sensor_age_s", "sensor_gap_s", "state_age_s", "state_gap_s"),
        )
        self.views: dict[str, Table] = defaultdict(_view_ages)
        self.commands = Table("t_s", "speed", *VELOCITY)
        self.speed_unit = "m/s"
        self.seams = Table("t_s", "linear", "angular", "position")
        self.sensor = SampleCount()
        self.modes: list[ModeChange] = []
        self.diagnostics: dict[str, dict[str, Any]] = {}
        self.counters: dict[tuple[str, str], Table] = defaultdict(_counter)
        self.processes: dict[str, Table] = defaultdict(_process)
        self.machine = Table("t_s", "shm_mb")
        self.gpus: dict[str, Table] = defaultdict(_gpu)
        self.pids: dict[str, int] = {}
        self.unreadable: Counter[str] = Counter()
        self._over = False  # a played bag has ended: the nodes go on, of what they say no more
        self._mode_at: dict[str, int] = {}
        self._view_stamp: dict[str, float] = {}
        self._positions: tuple[float, Any] | None = None
        self._plans: dict[int, Chunk] = {}
        self._played: Chunk | None = None

    def add(self, msgtype: str, log_ns: int, message: Any) -> None:
        """Take in a message; one of a type that is not in TYPES only extends the run."""
        if self.origin_ns is None:
            self.origin_ns = log_ns
        t_s = (log_ns - self.origin_ns) / 1e9
        if not self._over:
            self.duration_s = max(self.duration_s, t_s)
        elif msgtype != _DIAGNOSTICS:  # the last counts are still to come
            return
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
        return (_ns(stamp) - self.origin_ns) / 1e9

    def _latency(self, _t_s: float, message: Any) -> None:
        t_s = self._stamp_s(message.header.stamp)
        rows = zip(message.stages, message.start_ms, message.duration_ms, strict=True)
        stages = [(name, start / 1e3, duration / 1e3) for name, start, duration in rows]
        duration_s = max((start_s + lasted_s for _, start_s, lasted_s in stages), default=0.0)
        self.cycles[message.node].append(t_s, message.cycle, message.missed, duration_s)
        for name, start_s, lasted_s in stages:
            self.stages[message.node, name].append(t_s, start_s, lasted_s)
        if message.node == "command":
            self._switch(t_s, message)

    def _switch(self, t_s: float, message: Any) -> None:
        """Note the seam to the chunk whose first command this is."""
        tick = message.trace_id.rpartition("/")[2]
        old, new = self._played, self._plans.get(int(tick)) if tick.isdecimal() else None
        self._played = new
        if old is not None and new is not None and old is not new:
            found = seam(old, new, _ns(message.header.stamp))
            if found is not None:
                self.seams.append(t_s, found.linear, found.angular, found.position)

    def _features(self, t_s: float, message: Any) -> None:
        views = list(zip(message.views, message.view_stamps, message.view_tokens, strict=True))
        stamp_s = self._stamp_s(message.header.stamp)
        captures_s = [self._stamp_s(stamp) for _, stamp, _ in views]
        skew_s = max(captures_s) - min(captures_s) if captures_s else np.nan
        self.features.append(t_s, stamp_s, message.sequence, message.total_tokens, skew_s)
        for (view, _, tokens), captured_s in zip(views, captures_s, strict=True):
            self.view_tokens[view] = int(tokens)
            if self._view_stamp.get(view) != captured_s:
                self._view_stamp[view] = captured_s
                self.images_used[view] += 1

    def _chunk(self, _t_s: float, message: Any) -> None:
        views = list(zip(message.views, message.view_age_s, message.view_skew_s, strict=True))
        actions = np.asarray(message.data, np.float32).reshape(message.horizon, message.dim)
        t_s = self._stamp_s(message.header.stamp)
        if actions.size and message.dim >= MOTION.stop and message.dt_s > 0.0:
            self._plans[message.tick] = Chunk(_ns(message.header.stamp), message.dt_s, actions)
            for tick in list(self._plans)[:-_PLANS]:
                del self._plans[tick]
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
        linear, angular = message.twist.linear, message.twist.angular
        velocity = linear.x, linear.y, linear.z, angular.x, angular.y, angular.z
        speed = math.hypot(*velocity[:3])
        self.commands.append(self._stamp_s(message.header.stamp), speed, *velocity)

    def _joint_velocities(self, t_s: float, message: Any) -> None:
        self.speed_unit = "rad/s"
        self._joint_speed(t_s, float(np.linalg.norm(message.data)))

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
        self._joint_speed(t_s, speed)

    def _joint_speed(self, t_s: float, speed: float) -> None:
        self.commands.append(t_s, speed, *[math.nan] * len(VELOCITY))

    def _samples(self, _t_s: float, message: Any) -> None:
        self.sensor.add(len(message.data) // message.channels, int(message.first_index))

    def _diagnostics(self, t_s: float, message: Any) -> None:
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            if self._usage(t_s, status.name, values):
                continue
            self._over = self._over or status.message == BAG_OVER
            level = status.level[0] if isinstance(status.level, bytes) else int(status.level)
            self.diagnostics[status.name] = {
                "level": level,
                "message": status.message,
                "values": values,
            }
            counts = {k: int(v) for k, v in values.items() if "." in k and v.isdecimal()}
            for key, count in counts.items():  # told at the stamp, received when there was time
                stamp_s = self._stamp_s(message.header.stamp)
                self.counters[status.name, key].append(stamp_s, count)
            if values.get("pid", "").isdecimal():
                self.pids[status.name] = int(values["pid"])
            if "mode" in values and not self._over:
                reason = values.get("reason", status.message)
                self._note_mode(t_s, status.name, values["mode"], reason)

    def _usage(self, t_s: float, name: str, values: dict[str, str]) -> bool:
        """Take what data/processes.py sampled; return whether it was that."""
        for prefix, tables in ((PROCESS, self.processes), (GPU, self.gpus)):
            if name.startswith(prefix):
                _append(tables[name.removeprefix(prefix)], t_s, values)
                return True
        if name == MACHINE:
            _append(self.machine, t_s, values)
        return name == MACHINE

    def _note_mode(self, t_s: float, node: str, mode: str, reason: str) -> None:
        """Note a mode that is new; chunks tell it first, diagnostics a little later say why."""
        if node == "command" and mode not in _MOVING:
            self._played = None  # at rest: what comes next is no seam
        at = self._mode_at.get(node)
        known = None if at is None else self.modes[at]
        if known is None or known.mode != mode:
            self._mode_at[node] = len(self.modes)
            self.modes.append(ModeChange(t_s, node, mode, reason))
        elif at is not None and reason and not known.reason:
            self.modes[at] = replace(known, reason=reason)


def _ns(stamp: Any) -> int:
    return int(stamp.sec) * NS + int(stamp.nanosec)


def _append(rows: Table, t_s: float, values: dict[str, str]) -> None:
    """Add a row of numbers told as text; what is not told is NaN."""
    rows.append(t_s, *(float(values.get(column, "nan")) for column in rows.columns[1:]))


_HANDLERS: dict[str, Callable[[RunLog, float, Any], None]] = {
    "vla_ros/msg/StageLatency": RunLog._latency,
    "vla_ros/msg/VlFeatures": RunLog._features,
    "vla_ros/msg/ActionChunk": RunLog._chunk,
    "vla_ros/msg/SensorSamples": RunLog._samples,
    "geometry_msgs/msg/TwistStamped": RunLog._twist,
    "std_msgs/msg/Float64MultiArray": RunLog._joint_velocities,
    "trajectory_msgs/msg/JointTrajectory": RunLog._trajectory,
    _DIAGNOSTICS: RunLog._diagnostics,
}
TYPES = frozenset(_HANDLERS)
# A recording of inputs alone, the sensor's among them, is no run.
RUN_TYPES = TYPES - {"vla_ros/msg/SensorSamples"}
