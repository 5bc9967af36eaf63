"""What the launch tests look through: a node in a thread of its own, which keeps what it hears."""

import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

import rclpy
import yaml
from ament_index_python.packages import get_package_share_directory
from diagnostic_msgs.msg import DiagnosticArray
from launch.actions import ExecuteProcess, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_testing.actions import ReadyToTest
from rclpy.executors import SingleThreadedExecutor

from launch import LaunchDescription
from vla_ros.ros import qos


def realtime(**arguments):
    """Return the action that includes realtime.launch.py."""
    path = Path(get_package_share_directory("vla_ros")) / "launch" / "realtime.launch.py"
    source = PythonLaunchDescriptionSource(str(path))
    return IncludeLaunchDescription(source, launch_arguments=list(arguments.items()))


def live(cameras, parameters=None, **arguments):
    """Return the description of a graph without sensor and states, on a driver of photographs.

    `cameras` are their names; `parameters` replace those of the package's own file.
    """
    folder = Path(tempfile.mkdtemp(prefix="vla_ros-"))
    topics = [f"/lab/{name}/compressed" for name in cameras]
    listed = [{"name": n, "topic": t} for n, t in zip(cameras, topics, strict=True)]
    (folder / "cameras.yaml").write_text(yaml.safe_dump({"cameras": listed}))
    if parameters is not None:
        (folder / "params.yaml").write_text(yaml.safe_dump(parameters))
        arguments["params_file"] = str(folder / "params.yaml")
    graph = realtime(
        output_dir=str(folder / "run"),
        source="live",
        cameras=str(folder / "cameras.yaml"),
        views=str(len(cameras)),
        use_sensor="false",
        use_robot_states="false",
        **arguments,
    )
    script = str(Path(__file__).with_name("photo_driver.py"))
    driver = ExecuteProcess(cmd=[sys.executable, script, *topics], name="photo_driver")
    return LaunchDescription([graph, driver, ReadyToTest()])


class Observer:
    """Listens in the background; `heard[topic]` lists (ROS time of arrival [ns], message)."""

    def __init__(self):
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("observer", context=self.context)
        self.heard = defaultdict(list)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()
        self.listen(DiagnosticArray, "diagnostics", qos.DIAGNOSTICS)

    def _spin(self):
        while not self._stop.is_set():
            self._executor.spin_once(timeout_sec=0.1)

    def close(self):
        self._stop.set()
        self._thread.join(5)
        self._executor.shutdown(timeout_sec=0)
        self.node.destroy_node()
        rclpy.try_shutdown(context=self.context)

    def listen(self, kind, topic, profile):
        def keep(message):
            self.heard[topic].append((self.now_ns(), message))

        self.node.create_subscription(kind, topic, keep, profile)

    def now_ns(self):
        return self.node.get_clock().now().nanoseconds

    def messages(self, topic):
        return [message for _, message in self.heard[topic]]

    def wait(self, condition, what, timeout_s=60.0):
        """Wait until `condition()` is true; the limit is generous, it only ends a hopeless wait."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.02)
        counts = {topic: len(messages) for topic, messages in self.heard.items()}
        raise AssertionError(f"waited {timeout_s} s in vain for {what}; heard: {counts}")

    def wait_for(self, topic, count=1, timeout_s=60.0):
        """Wait for so many more messages and return them."""
        start = len(self.heard[topic])
        self.wait(lambda: len(self.heard[topic]) >= start + count, f"{count} {topic}", timeout_s)
        return self.messages(topic)[start:]

    def status(self, name):
        """Return the newest diagnostics of a node as a dictionary, empty before the first."""
        for message in reversed(self.messages("diagnostics")):
            for status in message.status:
                if status.name == name:
                    values = {pair.key: pair.value for pair in status.values}
                    return {"reason": status.message, **values}
        return {}


def rate_hz(stamps_ns):
    """Return the mean rate of stamps."""
    return (len(stamps_ns) - 1) / ((stamps_ns[-1] - stamps_ns[0]) / 1e9)
