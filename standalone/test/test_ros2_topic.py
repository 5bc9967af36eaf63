import os
import signal
import subprocess
import sys
from pathlib import Path

ROS2 = Path(sys.executable).parent / "ros2"


def topic(*args):
    environment = {**os.environ, "ROS2CLI_DISABLE_DAEMON": "1"}
    done = subprocess.run(
        [ROS2, "topic", *args], capture_output=True, text=True, timeout=60, env=environment
    )
    return done.returncode, done.stdout, done.stderr


def test_list_and_echo(publisher):
    code, out, _ = topic("list", "--show-types", "--no-daemon", "--spin-time", "5")
    assert code == 0 and "/words [std_msgs/msg/String]" in out
    code, out, _ = topic("echo", "--once", "--spin-time", "5", "/words")
    assert code == 0 and out.startswith("data: ") and out.endswith("\n---\n") and "rd" in out
    code, out, _ = topic("echo", "--once", "--spin-time", "5", "/latched")
    assert code == 0 and out == "data: kept\n---\n"


def test_hz(publisher, command):
    started = command("ros2", "topic", "hz", "/words")
    started.wait_for("average rate: ")
    started.wait_for("window: ")
    started.process.send_signal(signal.SIGINT)
    started.finish()
    assert "std dev: " in started.output
