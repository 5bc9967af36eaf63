"""source:=live: no simulation, photographs from drivers whose topics a file names."""

import unittest

import launch_testing.asserts
import launch_testing.markers
import pytest
from observer import Observer, live

from vla_ros.msg import ActionChunk, VlFeatures
from vla_ros.ros import qos


@pytest.mark.launch_test
@launch_testing.markers.keep_alive
def generate_test_description():
    return live(("left", "right", "wrist"))


class TestLive(unittest.TestCase):
    def setUp(self):
        self.observer = Observer()

    def tearDown(self):
        self.observer.close()

    def test_photographs_reach_the_model(self):
        self.observer.listen(VlFeatures, "features", qos.FEATURES)
        self.observer.listen(ActionChunk, "action_chunk", qos.CHUNK)
        features = self.observer.wait_for("features", 3)
        for message in features:
            self.assertEqual(message.views, ["left", "right", "wrist"])
            self.assertEqual(len(message.view_tokens), 3)
        self.assertNotEqual(bytes(features[0].data), bytes(features[-1].data))
        chunks = self.observer.wait_for("action_chunk", 10)
        self.assertEqual(chunks[-1].state_samples, 0)

    def test_without_a_position_the_robot_is_held(self):
        self.observer.wait(lambda: self.observer.status("command").get("mode") == "HOLD", "a hold")
        self.assertIn("position", self.observer.status("command")["reason"])


@launch_testing.post_shutdown_test()
class TestAfterwards(unittest.TestCase):
    def test_everybody_ended_cleanly(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)
        names = {ended.process_name.split("-")[0] for ended in proc_info}
        self.assertNotIn("sim", names)
