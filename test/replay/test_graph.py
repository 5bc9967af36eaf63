"""How a launch of the graph is run, and ended; the launch here is a script in its place."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from vla_ros.core.errors import VlaError
from vla_ros.replay import graph

# Has a child, says that it runs, and ends with the child on SIGINT only, as a launch does.
LAUNCH = f"""#!{sys.executable}
import signal, subprocess, sys

child = subprocess.Popen(["sleep", "60"])

def end(*_):
    child.wait()
    open(sys.argv[0] + ".log", "w").write("ended")
    sys.exit(0)

signal.signal(signal.SIGINT, end)
print("running", flush=True)
while True:
    signal.pause()
"""


@pytest.fixture
def ros2(monkeypatch, tmp_path):
    """Return a function that puts a script in the place of ros2 and returns its path."""

    def install(script):
        path = tmp_path / "ros2"
        path.write_text(script)
        path.chmod(0o755)
        monkeypatch.setattr(graph, "ros2_command", lambda: str(path))
        return path

    return install


def test_ros2_is_found_beside_the_interpreter_without_a_path(monkeypatch):
    if not Path(sys.executable).with_name("ros2").exists():
        pytest.skip("ros2 is elsewhere here")
    monkeypatch.setenv("PATH", "")
    assert graph.ros2_command() == str(Path(sys.executable).with_name("ros2"))


def test_without_a_ros2_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(VlaError, match="source ROS 2's setup file"):
        graph.ros2_command()


def test_every_line_is_seen(ros2):
    ros2('#!/bin/sh\necho "$@"\necho two >&2\n')
    lines = []
    graph.run_graph(["views:=2"], lambda line, pid: lines.append(line.strip()))
    assert lines == ["launch vla_ros realtime.launch.py views:=2", "two"]


def test_a_failed_launch_tells_its_arguments_and_what_it_said_last(ros2):
    ros2("#!/bin/sh\nseq 1 100\nexit 3\n")
    with pytest.raises(VlaError, match=r"views:=9 failed with code 3:\n61\n[\s\S]*100$"):
        graph.run_graph(["views:=9"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_launch_and_its_processes(ros2, number):
    path = ros2(LAUNCH)
    groups = []

    def interrupt(line, pid):
        groups.append(pid)
        os.kill(os.getpid(), number)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        graph.run_graph([], interrupt)
    assert path.with_name("ros2.log").read_text() == "ended"
    with pytest.raises(ProcessLookupError):
        while True:  # the child that was signalled may still be on its way out
            os.killpg(groups[0], 0)
            time.sleep(0.01)
    assert signal.getsignal(signal.SIGTERM) == before
