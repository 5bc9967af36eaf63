"""Summaries as the graph would have left them, and a graph that leaves them."""

import json
from pathlib import Path

import numpy as np

from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.definitions import typestore
from vla_ros.data.run_log import RunLog
from vla_ros.report.summary import summarize

FEATURES = "vla_ros/msg/VlFeatures"
INPUTS = {
    "/camera_1/image_raw/compressed": "sensor_msgs/msg/CompressedImage",
    "/sensor": "vla_ros/msg/SensorSamples",
    "/joint_states": "sensor_msgs/msg/JointState",
    "/ee_pose": "geometry_msgs/msg/PoseStamped",
}


def make_bag(path, topics=tuple(INPUTS), instruction=""):
    """Write a bag that has these inputs, and perhaps features made for an instruction."""
    with BagWriter(path) as writer:
        if instruction:
            writer.add_topic("/features", FEATURES)
            writer.write("/features", _features(instruction), 999_999_999)
        for number, topic in enumerate(topics):
            writer.add_topic(topic, INPUTS[topic])
            writer.write(topic, bytes(16), 1_000_000_000 + number)
    return path


def _features(instruction):
    types = typestore().types
    stamp = types["builtin_interfaces/msg/Time"](sec=1, nanosec=0)
    empty = {
        "shape": np.empty(0, np.uint32),
        "data": np.empty(0, np.uint8),
        "view_tokens": np.empty(0, np.uint32),
        "image_grid_thw": np.empty(0, np.uint32),
    }
    message = types[FEATURES](
        header=types["std_msgs/msg/Header"](stamp=stamp, frame_id=""),
        sequence=1,
        session="a",
        model_id="abc",
        instruction=instruction,
        dtype="float32",
        views=[],
        view_stamps=[],
        total_tokens=0,
        **empty,
    )
    return bytes(typestore().serialize_cdr(message, FEATURES))


def make_summary(lag_ms=0.5, camera_to_command_ms=900.0, lost_percent=0.0, missed=0, hz=50.0):
    """Return the summary of a run with these numbers; the rest is unknown."""
    summary = summarize(RunLog())
    summary["rates_hz"] = {"features": 1.0, "chunks": 10.0, "commands": hz}
    period = summary["command_period"]
    period.update(nominal_ms=1e3 / hz, rate_hz=hz, deadlines_missed=missed)
    summary["chunk_period"].update(nominal_ms=100.0, rate_hz=10.0)
    numbers = {"count": 100, "p50": camera_to_command_ms, "p99": camera_to_command_ms}
    summary["stages_ms"] = {"command": {"camera_to_command": numbers}}
    summary["cameras"] = {
        "camera_1": {"received": 100, "lost": 0, "unpaired": 0, "lost_percent": lost_percent}
    }
    summary["diagnostics"] = {
        "action": {"values": {"model_id": "abc"}},
        "bag_source": {"values": {"lag_p99_ms": f"{lag_ms:.3f}"}},
    }
    return summary


class FakeGraph:
    """Takes the place of run_graph: each run leaves the next of the summaries, or fails with it."""

    def __init__(self, *summaries):
        self.summaries = list(summaries)
        self.runs = []

    def __call__(self, arguments, watch):
        given = dict(word.split(":=", 1) for word in arguments)
        self.runs.append(given)
        outcome = self.summaries.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        folder = Path(given["output_dir"])
        folder.mkdir(exist_ok=True)
        (folder / "summary.json").write_text(json.dumps(outcome))
