import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String

ROS2 = Path(sys.executable).parent / "ros2"


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
