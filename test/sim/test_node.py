"""The sim node over DDS: what a lab's drivers would send, and the commands they would take."""

import time
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState
from std_msgs.msg import Float64, Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from vla_ros.core.errors import ParameterError
from vla_ros.msg import SensorSamples
from vla_ros.nodes.sim import SimNode
from vla_ros.ros import qos
from vla_ros.ros.convert import to_ns
from vla_ros.sim.world import ARM_JOINTS, CAMERAS

PATIENCE_S = 30.0


class Graph:
    """The sim node and a node that keeps what it publishes."""

    def __init__(self):
        self.sim = SimNode()
        self.node = Node("listener")
        self.got = {}
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.sim)
        self.executor.add_node(self.node)

    def listen(self, kind, topic, profile):
        messages = self.got.setdefault(topic, [])
        self.node.create_subscription(kind, topic, messages.append, profile)
        return messages

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, {k: len(v) for k, v in self.got.items()}
            self.executor.spin_once(timeout_sec=0.05)

    def until_moved(self, messages, read, send, distance):
        """Send a command until what is read from the messages has changed by a distance."""
        self.until(lambda: messages)
        start, answered = read(messages[-1]), 0

        def moved():
            # One command a message: more would take the executor from what is waited for.
            nonlocal answered
            if len(messages) > answered:
                answered = len(messages)
                send()
            return abs(read(messages[-1]) - start) > distance

        self.until(moved)
        return read(messages[-1]) - start


@contextmanager
def running(**parameters):
    parameters = {"realtime_priority": 0, **parameters}
    given = [part for k, v in parameters.items() for part in ("-p", f"{k}:={v}")]
    rclpy.init(args=["--ros-args", *given])
    graph = None
    try:
        graph = Graph()
        yield graph
    finally:
        if graph:
            graph.sim.close()
            graph.sim.destroy_node()
            graph.node.destroy_node()
        rclpy.try_shutdown()


def stamps(messages):
    return np.array([to_ns(message.header.stamp) for message in messages])


def off_grid_ns(stamp_ns, period_ns):
    """How far the middle one of the stamps lies from a grid through the last.

    The middle one, because a machine that stalls makes physics skip time, and then one is late;
    that every one lies on the grid without a stall is tested where no clock runs.
    """
    passed = stamp_ns[-1] - stamp_ns
    return np.median(np.abs((passed + period_ns // 2) % period_ns - period_ns // 2))


def test_what_it_publishes():
    with running(width=160, height=90) as graph:
        images = {n: graph.listen(Image, f"{n}/image_raw", qos.IMAGE) for n in CAMERAS}
        infos = {n: graph.listen(CameraInfo, f"{n}/camera_info", qos.IMAGE) for n in CAMERAS}
        joints = graph.listen(JointState, "joint_states", qos.STATE)
        poses = graph.listen(PoseStamped, "ee_pose", qos.STATE)
        sensor = graph.listen(SensorSamples, "sensor", qos.SENSOR)
        wanted = [*images.values(), *infos.values(), sensor]
        graph.until(lambda: all(len(messages) >= 5 for messages in wanted))
    pictures = []
    for name in CAMERAS:
        image, info = images[name][-1], infos[name][-1]
        assert (image.encoding, image.width, image.height, image.step) == ("rgb8", 160, 90, 480)
        assert image.header.frame_id == info.header.frame_id == name
        assert (info.width, info.height) == (160, 90)
        assert info.k[0] == info.k[4] > 50 and (info.k[2], info.k[5]) == (79.5, 44.5)
        pictures.append(np.frombuffer(image.data, np.uint8))
        assert pictures[-1].size == 160 * 90 * 3 and pictures[-1].std() > 20
        assert off_grid_ns(stamps(images[name]), 100_000_000) < 3_000_000
    assert len({picture.tobytes() for picture in pictures}) == 5
    assert joints[0].name[:6] == list(ARM_JOINTS) and len(joints[0].position) == 7
    assert poses[0].header.frame_id == "base_link"
    place = poses[0].pose.position
    np.testing.assert_allclose([place.x, place.y, place.z], [0.2, 0, 0.1], atol=1e-4)
    for messages, period_ns in ((joints, 10_000_000), (poses, 10_000_000), (sensor, 20_000_000)):
        assert off_grid_ns(stamps(messages), period_ns) < 3_000_000
    for batch in sensor:
        assert (batch.rate_hz, batch.channels) == (650, 1026)
        assert len(batch.data) % 1026 == 0 and batch.header.frame_id == "needle_tip"
    # A sample's index and its stamp tell the same time.
    index = np.array([batch.first_index - sensor[0].first_index for batch in sensor])
    apart = stamps(sensor) - stamps(sensor)[0] - index * 1e9 / 650
    assert np.median(np.abs(apart - apart[-1])) < 3_000_000


def test_compressed_images_of_two_views():
    with running(jpeg="true", views=2, width=160, height=90) as graph:
        images = graph.listen(CompressedImage, "camera_2/image_raw/compressed", qos.IMAGE)
        graph.until(lambda: images)
        topics = {name for name, _ in graph.sim.get_topic_names_and_types()}
    picture = cv2.imdecode(np.frombuffer(images[0].data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (90, 160, 3) and picture.std() > 20
    assert "/camera_2/image_raw/compressed" in topics
    assert not {"/camera_3/image_raw/compressed", "/camera_2/image_raw"} & topics


def refused(graph):
    return graph.sim._input.refused


def test_twists_move_the_tip_and_unsound_ones_are_refused():
    with running(views=1, width=64, height=64) as graph:
        poses = graph.listen(PoseStamped, "ee_pose", qos.STATE)
        sender = graph.node.create_publisher(TwistStamped, "command", qos.COMMAND)

        def send(z, frame_id="base_link"):
            message = TwistStamped()
            message.header.frame_id = frame_id
            message.twist.linear.z = z
            sender.publish(message)

        def height(message):
            return message.pose.position.z

        assert graph.until_moved(poses, height, lambda: send(0.05), 0.003) > 0
        send(float("nan"))
        graph.until(lambda: refused(graph) == 1)
        send(0.05, "camera_1")
        graph.until(lambda: refused(graph) == 2)
        count = len(poses)
        graph.until(lambda: len(poses) > count + 30)
        assert abs(height(poses[-1]) - height(poses[-10])) < 1e-4


def test_joint_velocities_and_the_clamp():
    with running(views=1, width=64, height=64, command_type="joint_velocity") as graph:
        joints = graph.listen(JointState, "joint_states", qos.STATE)
        sender = graph.node.create_publisher(Float64MultiArray, "command", qos.COMMAND)
        clamp = graph.node.create_publisher(Float64, "gripper_command", qos.COMMAND)

        def send():
            sender.publish(Float64MultiArray(data=[0.0, 0.0, 0.0, 0.0, 0.0, -0.5]))

        assert graph.until_moved(joints, lambda m: m.position[5], send, 0.02) < 0
        send_clamp = Float64(data=1.0)
        assert graph.until_moved(
            joints, lambda m: m.position[6], lambda: clamp.publish(send_clamp), 0.002
        )
        sender.publish(Float64MultiArray(data=[0.0] * 5))
        clamp.publish(Float64(data=float("inf")))
        graph.until(lambda: refused(graph) == 2)


def test_trajectories_name_their_joints():
    with running(views=1, width=64, height=64, command_type="joint_trajectory") as graph:
        joints = graph.listen(JointState, "joint_states", qos.STATE)
        sender = graph.node.create_publisher(JointTrajectory, "command", qos.COMMAND)
        graph.until(lambda: joints)
        goal = np.array(joints[-1].position[:6])
        goal[0] += 0.1

        def send(names=ARM_JOINTS[::-1], positions=tuple(goal[::-1])):
            point = JointTrajectoryPoint(positions=list(positions))
            point.time_from_start = Duration(seconds=0.1).to_msg()
            sender.publish(JointTrajectory(joint_names=list(names), points=[point]))

        assert graph.until_moved(joints, lambda m: m.position[0], send, 0.09) > 0
        for names, positions in ((ARM_JOINTS[:5], goal[:5]), (ARM_JOINTS, goal[:5])):
            before = refused(graph)
            send(names, positions)
            graph.until(lambda before=before: refused(graph) == before + 1)


def test_unknown_parameters_are_refused():
    with pytest.raises(ParameterError, match="command_type"), running(command_type="wrench"):
        pass
