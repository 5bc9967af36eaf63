"""Reports of runs whose numbers are known: 1 Hz encodes, 10 Hz ticks, 50 Hz commands."""

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from vla_ros.data.bag_metadata import Qos
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.definitions import typestore
from vla_ros.data.recorder import Recorder
from vla_ros.data.run_log import RunLog
from vla_ros.report import run_report
from vla_ros.report.live_table import LiveTable
from vla_ros.report.summary import summarize, table
from vla_ros.tools import report

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


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Return a recording of 20 s and the folder that it and its report are in."""
    folder = tmp_path_factory.mktemp("run")
    recorder = record(folder, 20)
    return recorder, folder, run_report.finish(recorder, folder)


def test_the_report_is_complete_and_nothing_else_lies_around(recorded):
    _, folder, _ = recorded
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        *("bag", "latency.png", "report.html", "summary.json", "timeline.png", "trace.json")
    ]


def test_the_numbers_are_the_known_ones(recorded):
    _, folder, _ = recorded
    found = json.loads((folder / "summary.json").read_text())
    assert found["schema"] == 2
    assert found["duration_s"] == pytest.approx(20.0)
    assert found["rates_hz"]["features"] == pytest.approx(1.0)
    assert found["rates_hz"]["commands"] == pytest.approx(50.0)
    assert found["missed"] == {"vl_encoder": 0, "action": 1}
    period = found["chunk_period"]
    assert period["nominal_ms"] == pytest.approx(100.0)
    assert (period["ticks"], period["ticks_without_chunk"]) == (190, 1)
    # Every second tick is 2 ms late, so every distance but one is 2 ms wrong: 24 to 26 is not.
    errors = [2.0] * 188 + [0.0]
    assert period["error_ms"]["mean"] == pytest.approx(np.mean(errors))
    assert period["error_ms"]["max"] == pytest.approx(2.0)
    assert found["stages_ms"]["vl_encoder"]["vision"]["p99"] == pytest.approx(250.0)
    assert found["stages_ms"]["vl_encoder"]["cycle"]["p50"] == pytest.approx(404.5)
    assert found["stages_ms"]["action"]["sensor_encode"]["count"] == 190
    ages = [450 + 20 * (step % 50) for step in range(50, 1001, 5) if step // 5 != 25]
    assert found["age_ms"]["features"]["p99"] == pytest.approx(np.quantile(ages, 0.99))
    assert found["age_ms"]["sensor"]["p50"] == pytest.approx(12.0)
    assert found["age_ms"]["views"]["camera_3"]["age"]["max"] == pytest.approx(max(ages))


def test_cameras_processes_and_modes_are_in_the_summary(recorded):
    _, folder, _ = recorded
    found = json.loads((folder / "summary.json").read_text())
    camera = found["cameras"]["camera_1"]
    assert (camera["used"], camera["received"], camera["tokens"]) == (20, 200, 64)
    assert found["cameras"]["camera_5"]["used"] == 20
    assert found["cameras"]["camera_5"]["received"] is None
    process = found["processes"]["vl_encoder"]
    assert (process["cpu_percent"], process["rss_peak_mb"]) == (pytest.approx(80.0), 1020.0)
    command = [m for m in found["modes"] if m["node"] == "command"]
    assert [(m["mode"], m["reason"]) for m in command] == [
        ("WAITING", "no chunk yet"),
        ("RUNNING", "inputs are sound"),
    ]
    assert found["diagnostics"]["vl_encoder"]["values"]["camera_1.received"] == "200"
    assert found["bag"] == {"messages": recorded[0].bag.written, "dropped": 0, "note": ""}
    assert "numpy" in found["versions"]


def test_the_bag_alone_gives_the_same_report(recorded, tmp_path, capsys):
    _, folder, told = recorded
    assert report.main([str(folder), "--output-dir", str(tmp_path)]) == 0
    again = json.loads((tmp_path / "summary.json").read_text())
    first = json.loads((folder / "summary.json").read_text())
    assert again.pop("bag")["messages"] == first.pop("bag")["messages"]
    assert again == first
    printed = capsys.readouterr().out
    assert printed.splitlines()[:-1] == told.splitlines()[:-1]
    assert printed.splitlines()[-1] == f"report: {tmp_path}"


def test_features_are_recorded_without_their_data(recorded):
    _, folder, _ = recorded
    with BagReader(folder / "bag") as bag:
        [*_, last] = bag.messages(["/features"])
        message = bag.decode(last)
    assert len(message.data) == 0
    assert (message.sequence, list(message.shape), message.total_tokens) == (20, [2], 350)


def test_the_pictures_are_pictures(recorded):
    _, folder, _ = recorded
    for name, height in (("timeline.png", 1260), ("latency.png", 693)):
        pixels = imread(folder / name)
        assert pixels.shape[:2] == (height, 1400)
        packed = (pixels[..., :3] * 255).astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
        assert len(np.unique(packed)) > 20


def test_a_run_without_messages_has_a_report_too(tmp_path):
    recorder = Recorder(tmp_path)
    told = run_report.finish(recorder, tmp_path)
    found = json.loads((tmp_path / "summary.json").read_text())
    assert found["rates_hz"] == {"features": None, "chunks": None, "commands": None}
    assert "features - Hz" in told
    assert (tmp_path / "latency.png").stat().st_size > 1000


def test_a_recording_after_a_kill_is_reported_whole(tmp_path, recorded):
    """The bag says that it was left open, as a kill leaves it; another recorder takes over."""
    shutil.copytree(recorded[1] / "bag", tmp_path / "bag")
    metadata = tmp_path / "bag" / "metadata.yaml"
    metadata.write_text(metadata.read_text().replace("recording: closed", "recording: open"))
    told = run_report.finish(Recorder(tmp_path), tmp_path)
    found = json.loads((tmp_path / "summary.json").read_text())
    assert found["missed"] == {"vl_encoder": 0, "action": 1}
    assert "20.0 s" in told


def test_a_full_disk_is_said_and_does_not_raise(tmp_path):
    recorder = Recorder(tmp_path)
    assert "no report could be made" in run_report.finish(recorder, tmp_path / "absent")


@pytest.mark.parametrize("damage", ["absent", "no run", "inputs"])
def test_the_command_line_says_what_is_wrong(tmp_path, capsys, damage):
    kinds = {"no run": "std_msgs/msg/String", "inputs": "vla_ros/msg/SensorSamples"}
    if damage in kinds:
        with BagWriter(tmp_path / "bag") as bag:
            bag.add_topic("/topic", kinds[damage])
            bag.write("/topic", bytes(8), 1)
    assert report.main([str(tmp_path / "bag")]) == 1
    told = "no bag" if damage == "absent" else "holds no run"
    assert told in capsys.readouterr().err


def test_the_live_table_tells_of_the_last_second():
    log = RunLog()
    live = LiveTable(log)
    lines = []
    second = 0
    for t_s, topic, message in run_messages(25):
        if t_s >= second + 1:
            second += 1
            lines.append(live.lines(second, 1.5, 0))
        log.add(TOPICS[topic], T0_NS + round(t_s * 1e9), message)
    heading, first = lines[0]
    assert heading.split("  ")[-1].strip() == "mode"
    assert first.split()[-1] == "WAITING"
    assert len(lines[20]) == 2 and len(lines[21]) == 1
    assert lines[9][0].split() == [
        *("10", "1.00", "1350", "370", "10.0", "2.00", "1", "50.0", "1.5", "0", "RUNNING")
    ]


def test_the_live_table_notices_that_features_stop():
    log = RunLog()
    live = LiveTable(log)
    for t_s, topic, message in run_messages(20):
        if t_s <= 10.0 or topic != "/features":
            log.add(TOPICS[topic], T0_NS + round(t_s * 1e9), message)
    line = live.lines(20.0, 0.0, 0)[-1]
    assert line.split()[1] == "0.10"


def test_the_table_fits_a_terminal(recorded):
    assert max(len(line) for line in recorded[2].splitlines()[:-1]) <= 100
    assert table(summarize(recorded[0].log)) in recorded[2]
