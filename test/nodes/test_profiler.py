"""The profiler and the bag source as processes of their own, among real publishers."""

import array
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import rclpy
from geometry_msgs.msg import TwistStamped
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import String

from vla_ros.data.bag_reader import BagReader
from vla_ros.msg import StageLatency, VlFeatures
from vla_ros.ros import qos

DOMAIN = 100 + os.getpid() % 100
IMAGE_TOPIC = "camera_1/image_raw/compressed"
RAW_TOPIC = "camera_2/image_raw"
PATIENCE_S = 30.0


class Graph:
    """A node of the test's own, and what it publishes."""

    def __init__(self):
        self.context = Context()
        rclpy.init(context=self.context, domain_id=DOMAIN)
        self.node = Node("graph", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)

    def close(self):
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self.context)

    def publish_to(self, topic, kind, profile):
        return self.node.create_publisher(kind, topic, profile)

    def stamped(self, message):
        message.header.stamp = self.node.get_clock().now().to_msg()
        return message

    def wait_for(self, condition):
        """Spin until something is true."""
        end_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end_s
            self.executor.spin_once(timeout_sec=0.05)


@pytest.fixture
def graph():
    made = Graph()
    yield made
    made.close()


def start(name, **parameters):
    """Start a node of the package as a process."""
    code = f"from vla_ros.nodes.{name} import main; raise SystemExit(main())"
    given = [part for key, value in parameters.items() for part in ("-p", f"{key}:={value}")]
    return subprocess.Popen(
        [sys.executable, "-c", code, "--ros-args", *given],
        env={**os.environ, "ROS_DOMAIN_ID": str(DOMAIN), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(process, number=signal.SIGINT):
    """Signal a process; return its exit code and what it has said."""
    process.send_signal(number)
    said, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said


@pytest.fixture
def recording(graph, tmp_path):
    """Record ten of every message; return the folder, exit code and output of the profiler."""
    offers = {
        "features": (VlFeatures, qos.FEATURES),
        "latency": (StageLatency, qos.LATENCY),
        "command": (TwistStamped, qos.COMMAND),
        "instruction": (String, qos.LATCHED),
        "joint_states": (JointState, qos.STATE),
        IMAGE_TOPIC: (CompressedImage, qos.IMAGE),
        RAW_TOPIC: (Image, qos.IMAGE),
    }
    publishers = {topic: graph.publish_to(topic, *offer) for topic, offer in offers.items()}
    publishers["instruction"].publish(String(data="insert the needle"))
    profiler = start(
        "profiler",
        output_dir=tmp_path / "out",
        record_inputs="true",
        camera_topics=f"[{IMAGE_TOPIC}, {RAW_TOPIC}]",
        image_format="jpeg",
        configuration="""'{"arguments": {"views": "2"}}'""",
        nice=0,
    )
    graph.wait_for(lambda: all(p.get_subscription_count() for p in publishers.values()))
    content = array.array("B", bytes(range(256)))
    raw = Image(height=8, width=8, step=24, encoding="rgb8", data=array.array("B", bytes(192)))
    for number in range(1, 11):
        features = VlFeatures(sequence=number, data=content, dtype="float32", views=["camera_1"])
        features.model_id = "4f1e"
        features.view_stamps, features.view_tokens = [features.header.stamp], [64]
        latency = StageLatency(node="action", cycle=number, stages=["action"])
        latency.start_ms, latency.duration_ms = [0.0], [float(number)]
        publishers["features"].publish(graph.stamped(features))
        publishers["latency"].publish(graph.stamped(latency))
        publishers["command"].publish(graph.stamped(TwistStamped()))
        publishers["joint_states"].publish(graph.stamped(JointState(position=[0.1] * 6)))
        publishers[IMAGE_TOPIC].publish(graph.stamped(CompressedImage(format="jpeg", data=content)))
        publishers[RAW_TOPIC].publish(graph.stamped(raw))
        graph.executor.spin_once(timeout_sec=0.05)
    file = tmp_path / "out" / "bag" / "bag_0.mcap"
    size = file.stat().st_size
    graph.wait_for(lambda: file.stat().st_size > size)  # the next flush
    return tmp_path / "out", *end(profiler)


def test_everything_is_recorded_and_reported(recording):
    folder, code, said = recording
    assert code == 0, said
    assert f"report: {folder}" in said
    names = {path.name for path in folder.iterdir()}
    assert names >= {"bag", "latency.png", "summary.json", "timeline.png"}
    with BagReader(folder / "bag") as bag:
        assert bag.note == ""
        for topic in ("/features", "/latency", "/command", "/joint_states"):
            assert bag.counts[topic] == 10, topic
        assert bag.counts[f"/{IMAGE_TOPIC}"] > 5  # best effort
        assert bag.counts["/instruction"] == 1
        assert bag.counts["/profiler/processes"] >= 1
        assert bag.counts[f"/{RAW_TOPIC}/compressed"] > 5
        assert json.loads(bag.custom["configuration"]) == {"arguments": {"views": "2"}}
        assert bag.custom["model_id"] == "4f1e"
        [pixels, *_] = [bag.decode(one) for one in bag.messages([f"/{RAW_TOPIC}/compressed"])]
        features = [bag.decode(record) for record in bag.messages(["/features"])]
        images = [bag.decode(record) for record in bag.messages([f"/{IMAGE_TOPIC}"])]
    assert [(f.sequence, len(f.data)) for f in features] == [(n, 0) for n in range(1, 11)]
    assert bytes(pixels.data[:3]) == b"\xff\xd8\xff"
    assert all(bytes(image.data) == bytes(range(256)) for image in images)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["stages_ms"]["action"]["action"]["max"] == pytest.approx(10.0)
    assert summary["processes"]["profiler"]["rss_peak_mb"] > 1.0


def test_the_bag_source_plays_what_was_recorded(recording, graph):
    folder, _, _ = recording
    images, words = [], []
    graph.node.create_subscription(
        CompressedImage, IMAGE_TOPIC, images.append, QoSProfile(depth=50, reliability=2)
    )
    graph.node.create_subscription(String, "instruction", words.append, qos.LATCHED)
    begun_s = graph.node.get_clock().now().nanoseconds / 1e9
    source = start("bag_source", bag=folder / "bag", settle_s=0.3)
    graph.wait_for(lambda: source.poll() is not None)
    assert source.returncode == 0, source.stdout.read()
    with BagReader(folder / "bag") as bag:
        recorded = bag.counts[f"/{IMAGE_TOPIC}"]
    graph.wait_for(lambda: len(images) >= recorded)
    stamps_s = [i.header.stamp.sec + i.header.stamp.nanosec / 1e9 for i in images]
    assert stamps_s == sorted(stamps_s)
    assert stamps_s[0] > begun_s
    # One from the publisher that is still there, one from the bag.
    assert [word.data for word in words] == ["insert the needle"] * 2


def test_a_bag_that_is_not_there_is_refused_in_one_line():
    source = start("bag_source", bag="/nowhere")
    said, _ = source.communicate(timeout=PATIENCE_S)
    assert source.returncode == 2
    assert said.strip() == "BagError: there is no bag at /nowhere"
