import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String

import launch.logging

if importlib.util.find_spec("cv_bridge") is None:  # the real one has to be compiled
    collect_ignore = ["test_cv_bridge.py"]


@pytest.fixture(autouse=True)
def own_log_directory(tmp_path, monkeypatch):
    launch.logging.reset()  # and write to this test's standard output
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))
    monkeypatch.setenv("AMENT_PREFIX_PATH", sys.prefix)


class Command:
    """A command of this environment, in the background, with its output in a file."""

    def __init__(self, tmp_path, name, *args, **env):
        path = Path(sys.executable).parent / name
        self.path = tmp_path / "output.txt"
        self.process = subprocess.Popen(
            [path, *args],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=self.path.open("w"),
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    @property
    def output(self):
        return self.path.read_text()

    def wait_for(self, text, timeout_s=20):
        end = time.monotonic() + timeout_s
        while text not in self.output:
            assert time.monotonic() < end, f"no '{text}' in:\n{self.output}"
            if self.process.poll() is not None:
                assert text in self.output, f"no '{text}' in:\n{self.output}"
            time.sleep(0.02)

    def finish(self, timeout_s=30):
        return self.process.wait(timeout_s)

    def clean(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def command(tmp_path):
    made = []

    def start(name, *args, **env):
        made.append(Command(tmp_path, name, *args, **env))
        return made[-1]

    yield start
    for one in made:
        one.clean()


@pytest.fixture
def publisher(monkeypatch):
    """Words on /words, twenty a second, and one on /latched for those who come late."""
    monkeypatch.setenv("ROS_DOMAIN_ID", "77")
    context = rclpy.Context()
    rclpy.init(context=context)
    node = Node("publisher", context=context)
    words = node.create_publisher(String, "words", 10)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    late = node.create_publisher(String, "latched", latched)
    late.publish(String(data="kept"))
    node.create_timer(0.05, lambda: words.publish(String(data="wörd")))
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    stop = threading.Event()

    def spin():
        while not stop.is_set():
            executor.spin_once(timeout_sec=0.1)

    thread = threading.Thread(target=spin)
    thread.start()
    yield
    stop.set()
    thread.join()
    node.destroy_node()
    context.try_shutdown()
