"""One camera of five is not there: one encoder may go on without it, the other may not."""

import unittest

import launch_testing.actions
import launch_testing.asserts
import launch_testing.markers
import pytest
from launch_ros.actions import Node
from observer import Observer

from launch import LaunchDescription
from vla_ros.msg import VlFeatures
from vla_ros.ros import qos


def encoder(name, min_views):
    return Node(
        package="vla_ros",
        executable="vl_encoder",
        name=name,
        parameters=[{"min_views": min_views}],
        remappings=[("features", f"{name}/features")],
    )


@pytest.mark.launch_test
@launch_testing.markers.keep_alive
def generate_test_description():
    size = {"width": 320, "height": 180}
    sim = Node(package="vla_ros", executable="sim", parameters=[{"views": 4, **size}])
    nodes = [sim, encoder("lenient", 4), encoder("strict", 5)]
    return LaunchDescription([*nodes, launch_testing.actions.ReadyToTest()])


class TestMissingCamera(unittest.TestCase):
    def setUp(self):
        self.observer = Observer()

    def tearDown(self):
        self.observer.close()

    def test_features_of_the_four_others(self):
        for name in ("lenient", "strict"):
            self.observer.listen(VlFeatures, f"{name}/features", qos.FEATURES)
        for message in self.observer.wait_for("lenient/features", 3):
            self.assertEqual(message.views, [f"camera_{number}" for number in range(1, 5)])
            self.assertEqual(len(message.view_tokens), 4)
        status = self.observer.status("lenient")
        self.assertIn("4 of 5 views", status["reason"])
        self.assertEqual(status["camera_5.received"], "0")
        self.observer.wait(lambda: self.observer.status("strict"), "the strict encoder")
        strict = self.observer.status("strict")
        self.assertGreater(int(strict["camera_1.received"]), 0)
        self.assertEqual(strict["encodes"], "0")
        self.assertFalse(self.observer.messages("strict/features"))


@launch_testing.post_shutdown_test()
class TestAfterwards(unittest.TestCase):
    def test_everybody_ended_cleanly(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)
