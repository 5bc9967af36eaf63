"""Reports of runs whose numbers are known: 1 Hz encodes, 10 Hz ticks, 50 Hz commands."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vla_ros.data.bag_metadata import Qos
from vla_ros.data.definitions import typestore
from vla_ros.data.recorder import Recorder
from vla_ros.data.run_log import RunLog
from vla_ros.tools import report
from vla_ros.tools.live_table import LiveTable
from vla_ros.tools.summary import summarize, table

T0_NS = 1_760_000_000_000_000_000
VIEWS = [f"camera_{i}" for i in range(1, 6)]
ENCODE_STAGES = {
    "transport": (-4.0, 4.0),
    "sync": (0.0, 1.0),
    "decode": (1.0, 12.0),
    "preprocess": (13.0, 20.0),
    "vision": (33.0, 250.0),
    "language": (283.0, 120.0),
    "publish": (403.0, 1.5),
}
TICK_STAGES = {
    "sensor_encode": (0.1, 5.0),
    "state_encode": (5.1, 1.0),
    "action": (6.1, 4.0),
    "publish": (10.1, 0.4),
}


def make(msgtype: str, /, **fields: Any) -> Any:
    """Return a message of a type given as `package/Name`."""
    package, _, kind = msgtype.partition("/")
    return typestore().types[f"{package}/msg/{kind}"](**fields)


def stamp(t_s: float) -> Any:
    """Return a Time `t_s` after the start of the run."""
    sec, nanosec = divmod(T0_NS + round(t_s * 1e9), 10**9)
    return make("builtin_interfaces/Time", sec=sec, nanosec=nanosec)


def header(t_s: float) -> Any:
    """Return a Header."""
    return make("std_msgs/Header", stamp=stamp(t_s), frame_id="base")


def latency(node: str, t_s: float, cycle: int, missed: int, stages: dict) -> Any:
    """Return a StageLatency whose stages map a name to start and duration [ms]."""
    starts, durations = zip(*stages.values(), strict=True)
    return make(
        "vla_ros/StageLatency",
        header=header(t_s),
        node=node,
        trace_id=f"run:{cycle}",
        cycle=cycle,
        missed=missed,
        stages=list(stages),
        start_ms=np.array(starts),
        duration_ms=np.array(durations),
    )


def features(t_s: float, sequence: int) -> Any:
    """Return VlFeatures made of images captured at `t_s`."""
    return make(
        "vla_ros/VlFeatures",
        header=header(t_s),
        sequence=sequence,
        session="run",
        model_id="m",
        instruction="insert the needle into the blue point",
        dtype="float32",
        shape=np.array([2], np.uint32),
        data=np.arange(8, dtype=np.uint8),
        views=VIEWS,
        view_stamps=[stamp(t_s) for _ in VIEWS],
        view_tokens=np.full(5, 64, np.uint32),
        image_grid_thw=np.tile(np.array([1, 16, 16], np.uint32), 5),
        total_tokens=350,
    )


def chunk(t_s: float, tick: int, age_s: float, mode: int = 1) -> Any:
    """Return an ActionChunk made at `t_s` from features of an age."""
    return make(
        "vla_ros/ActionChunk",
        header=header(t_s),
        tick=tick,
        model_id="m",
        mode=mode,
        horizon=8,
        dim=7,
        dt_s=0.1,
        data=np.zeros(56, np.float32),
        features_session="run",
        features_sequence=1,
        features_age_s=age_s,
        views=VIEWS,
        view_age_s=np.full(5, age_s),
        view_skew_s=np.zeros(5),
        sensor_age_s=0.012,
        sensor_gap_s=0.0016,
        sensor_samples=65,
        state_age_s=0.006,
        state_gap_s=0.010,
        state_samples=65,
    )


def twist(t_s: float, speed: float) -> Any:
    """Return a TwistStamped along x."""
    zero = make("geometry_msgs/Vector3", x=0.0, y=0.0, z=0.0)
    linear = make("geometry_msgs/Vector3", x=speed, y=0.0, z=0.0)
    moved = make("geometry_msgs/Twist", linear=linear, angular=zero)
    return make("geometry_msgs/TwistStamped", header=header(t_s), twist=moved)


def diagnostics(t_s: float, name: str, message: str = "", **values: str) -> Any:
    """Return a DiagnosticArray of one status."""
    pairs = [make("diagnostic_msgs/KeyValue", key=k, value=v) for k, v in values.items()]
    status = make(
        "diagnostic_msgs/DiagnosticStatus",
        level=0,
        name=name,
        message=message,
        hardware_id="",
        values=pairs,
    )
    return make("diagnostic_msgs/DiagnosticArray", header=header(t_s), status=[status])


TOPICS = {
    "/latency": "vla_ros/msg/StageLatency",
    "/features": "vla_ros/msg/VlFeatures",
    "/action_chunk": "vla_ros/msg/ActionChunk",
    "/command": "geometry_msgs/msg/TwistStamped",
    "/diagnostics": "diagnostic_msgs/msg/DiagnosticArray",
    "/process": "diagnostic_msgs/msg/DiagnosticArray",
}


def run_messages(seconds: int) -> Iterator[tuple[float, str, Any]]:
    """Yield time of receipt, topic and message of a run that starts at 0 and skips tick 25."""
    yield 0.0, "/diagnostics", diagnostics(0.0, "command", mode="WAITING", reason="no chunk yet")
    for step in range(1, seconds * 50 + 1):
        t_s = step * 0.02
        if step % 50 == 0:
            cycle = step // 50
            yield t_s, "/features", features(t_s - 0.45, cycle)
            yield t_s, "/latency", latency("vl_encoder", t_s - 0.41, cycle, 0, ENCODE_STAGES)
            yield (
                t_s,
                "/diagnostics",
                diagnostics(t_s, "command", mode="RUNNING", reason="inputs are sound"),
            )
            yield (
                t_s,
                "/diagnostics",
                diagnostics(
                    t_s, "vl_encoder", **{"camera_1.received": str(10 * cycle), "pid": "1"}
                ),
            )
            yield t_s, "/process", usage(t_s, "vl_encoder", cpu_s=0.8 * cycle, rss_mb=1000 + cycle)
        tick = step // 5
        if step % 5 == 0 and step >= 50 and tick != 25:
            late_s = 0.002 if tick % 2 else 0.0
            age_s = 0.45 + (step % 50) * 0.02
            yield t_s, "/action_chunk", chunk(t_s + late_s, tick, age_s)
            yield t_s, "/latency", latency("action", t_s, tick, int(tick > 25), TICK_STAGES)
        yield t_s, "/command", twist(t_s, 0.01 + 0.01 * math.sin(t_s))


def usage(t_s: float, name: str, cpu_s: float, rss_mb: float) -> Any:
    """Return what the recorder notes about a process once a second."""
    return diagnostics(t_s, f"process {name}", pid="1", cpu_s=str(cpu_s), rss_mb=str(rss_mb))


def record(folder: Path, seconds: int) -> Recorder:
    """Record a run and close its bag."""
    recorder = Recorder(folder)
    for topic, msgtype in TOPICS.items():
        recorder.add_topic(topic, msgtype, Qos())
    for t_s, topic, message in run_messages(seconds):
        msgtype = TOPICS[topic]
        data = bytes(typestore().serialize_cdr(message, msgtype))
        recorder.receive(topic, msgtype, data, T0_NS + round(t_s * 1e9))
    recorder.close()
    return recorder
