"""Where the stand-ins go further than Jazzy: no process outlives the launch."""

import signal
from pathlib import Path

import pytest

import launch

pytestmark = pytest.mark.skipif(
    not (Path(launch.__file__).parent / "running_process.py").exists(),
    reason="Jazzy's leaves them",
)

FILE = """
from launch import LaunchDescription
from launch.actions import ExecuteProcess
def generate_launch_description():
    return LaunchDescription([
        ExecuteProcess(cmd=["trap '' INT; echo up; sleep {0}; true"], shell=True, output="screen",
                       sigterm_timeout="{1}", sigkill_timeout="60"),
    ])
"""


def alive(mark):
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:
            continue
    return [line for line in lines if line.startswith(b"sleep\0" + mark.encode())]


@pytest.mark.parametrize(
    "mark, timeout, signals",
    [
        ("61.25", "0.2", [signal.SIGINT]),
        ("61.5", "0.2", [signal.SIGTERM]),
        ("61.75", "60", [signal.SIGTERM, signal.SIGTERM]),
    ],
)
def test_what_a_shell_has_started_ends_too(tmp_path, command, mark, timeout, signals):
    (tmp_path / "some.launch.py").write_text(FILE.format(mark, timeout))
    launched = command("ros2", "launch", "./some.launch.py")
    launched.wait_for("] up")
    while not alive(mark):  # the shell starts it behind its word
        assert launched.process.poll() is None
    for signum in signals:
        launched.process.send_signal(signum)
        launched.wait_for(signum.name)
    assert launched.finish() == (0 if signals == [signal.SIGINT] else 1)
    assert not alive(mark)
