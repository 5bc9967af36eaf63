"""The flow-matching expert without the contact sensor: layers sized for what is there."""

import math
import tempfile
import unittest
from pathlib import Path

import launch_testing.actions
import launch_testing.asserts
import launch_testing.markers
import pytest
from geometry_msgs.msg import TwistStamped
from observer import Observer, realtime

from launch import LaunchDescription
from vla_ros.msg import ActionChunk
from vla_ros.ros import qos


@pytest.mark.launch_test
@launch_testing.markers.keep_alive
def generate_test_description():
    output = Path(tempfile.mkdtemp(prefix="vla_ros-")) / "run"
    graph = realtime(output_dir=str(output), action_head="flow", use_sensor="false", views="2")
    return LaunchDescription([graph, launch_testing.actions.ReadyToTest()])


class TestFlow(unittest.TestCase):
    def setUp(self):
        self.observer = Observer()

    def tearDown(self):
        self.observer.close()

    def test_chunks_come_without_the_sensor_and_move_the_robot(self):
        self.observer.listen(ActionChunk, "action_chunk", qos.CHUNK)
        self.observer.listen(TwistStamped, "command", qos.COMMAND)
        chunks = self.observer.wait_for("action_chunk", 20)
        for chunk in chunks:
            self.assertEqual(chunk.mode, ActionChunk.RUNNING)
            self.assertEqual(chunk.views, ["camera_1", "camera_2"])
            self.assertTrue(math.isnan(chunk.sensor_age_s))
            self.assertEqual((chunk.sensor_samples, chunk.state_samples), (0, 65))
            self.assertTrue(all(math.isfinite(value) for value in chunk.data))
        # Flow matching starts from noise: the same inputs do not give the same chunk.
        self.assertNotEqual(bytes(chunks[0].data), bytes(chunks[1].data))
        self.observer.wait_for("command", 20)
        self.observer.wait(lambda: self.observer.status("command")["mode"] == "RUNNING", "motion")


@launch_testing.post_shutdown_test()
class TestAfterwards(unittest.TestCase):
    def test_everybody_ended_cleanly(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)
