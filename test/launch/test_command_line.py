"""`ros2 launch` from outside: how it ends, and what it says."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from rosbags.highlevel import AnyReader

ROS2 = shutil.which("ros2") or str(Path(sys.executable).with_name("ros2"))


class Launched:
    """A `ros2 launch` in a process group of its own."""

    def __init__(self, folder, *arguments):
        self.log = folder / "log.txt"
        command = [ROS2, "launch", "vla_ros", "realtime.launch.py", *arguments]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def text(self):
        return self.log.read_text()

    def wait_for_line(self, words, timeout_s=90):
        end = time.monotonic() + timeout_s
        while time.monotonic() < end and self.process.poll() is None:
            if words in self.text():
                return
            time.sleep(0.1)
        raise AssertionError(f"{words!r} did not come:\n{self.text()[-4000:]}")

    def child(self, name):
        children = psutil.Process(self.process.pid).children(recursive=True)
        [found] = [child for child in children if f"/vla_ros/{name}" in " ".join(child.cmdline())]
        return found

    def end(self, timeout_s=90):
        code = self.process.wait(timeout_s)
        left = [p for p in psutil.process_iter() if _group(p.pid) == self.process.pid]
        assert not left, f"left behind: {left}"
        return code


def _group(pid):
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


@pytest.fixture
def launch(tmp_path):
    launched = []

    def _launch(*arguments):
        launched.append(Launched(tmp_path, *arguments))
        return launched[-1]

    yield _launch
    for one in launched:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait()


def test_show_args_explains_each():
    shown = subprocess.run(
        [ROS2, "launch", "vla_ros", "realtime.launch.py", "--show-args"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = (
        "duration_s output_dir source bag checkpoint action_head use_sensor use_robot_states "
        "views rate_hz device instruction record_inputs"
    )
    for name in names.split():
        assert f"'{name}':" in shown


def test_ctrl_c_ends_it_cleanly_with_a_report(launch, tmp_path):
    output = tmp_path / "run"
    run = launch(f"output_dir:={output}", "views:=1", "record_inputs:=true")
    run.wait_for_line("WAITING -> RUNNING: inputs are sound")
    time.sleep(3)  # something to record
    run.process.send_signal(signal.SIGINT)
    assert run.end() == 0, run.text()[-4000:]
    assert json.loads((output / "summary.json").read_text())["chunk_period"]["ticks"] > 0
    assert "Traceback" not in run.text()


def test_it_ends_by_itself_and_a_recorded_bag_can_take_the_robots_place(launch, tmp_path):
    recorded, played = tmp_path / "recorded", tmp_path / "played"
    run = launch(f"output_dir:={recorded}", "views:=2", "record_inputs:=true", "duration_s:=14")
    assert run.end() == 0, run.text()[-4000:]
    with AnyReader([recorded / "bag"]) as reader:
        topics = {c.topic: c.msgcount for c in reader.connections}
    assert topics["/camera_2/image_raw"] > 20
    assert topics["/sensor"] > 100 and topics["/joint_states"] > 200

    run = launch(f"output_dir:={played}", "views:=2", "source:=bag", f"bag:={recorded / 'bag'}")
    assert run.end() == 0, run.text()[-4000:]
    summary = json.loads((played / "summary.json").read_text())
    assert summary["chunk_period"]["ticks"] > 20
    assert set(summary["cameras"]) == {"camera_1", "camera_2"}


def test_the_death_of_the_command_node_ends_the_launch_with_an_error(launch, tmp_path):
    run = launch(f"output_dir:={tmp_path / 'run'}", "views:=1")
    run.wait_for_line("WAITING -> RUNNING: inputs are sound")
    run.child("command").kill()
    assert run.end() != 0
    assert "died with code -9: nothing may move" in run.text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["views:=9"], "views"),
        (["source:=bag", "bag:=/nowhere"], "'/nowhere' does not exist"),
        (["source:=camera"], "source"),
        (["checkpoint:=/nowhere"], "checkpoint is '/nowhere', which is no folder"),
    ],
)
def test_wrong_arguments_are_named(launch, arguments, words):
    run = launch(*arguments)
    assert run.end() != 0
    assert words in run.text()


def test_an_encoder_that_could_never_be_in_time_is_refused():
    impossible = ["-p", "features_soft_s:=0.01", "-p", "features_hard_s:=0.02"]
    ended = subprocess.run(
        [ROS2, "run", "vla_ros", "vl_encoder", "--ros-args", *impossible],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert "features_hard_s is 0.02: the robot would never move. Change" in ended.stderr
