"""The whole graph on the simulated robot, as a user starts it."""

import json
import os
import signal
import tempfile
import unittest
from pathlib import Path

import cv2
import launch_testing
import launch_testing.actions
import launch_testing.markers
import numpy as np
import pytest
from geometry_msgs.msg import TwistStamped
from observer import Observer, rate_hz, realtime
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import Image

from launch import LaunchDescription
from vla_ros.msg import ActionChunk, StageLatency, VlFeatures
from vla_ros.ros import qos
from vla_ros.ros.convert import to_ns

VIEWS = [f"camera_{number}" for number in range(1, 6)]
STAGES = {
    *("transport", "sync", "decode", "preprocess", "vision", "language", "publish"),
    *("sensor_encode", "state_encode", "action", "camera_to_command", "sensor_to_command"),
}


@pytest.mark.launch_test
@launch_testing.markers.keep_alive
def generate_test_description():
    output = Path(tempfile.mkdtemp(prefix="vla_ros-")) / "run"
    description = LaunchDescription(
        [realtime(output_dir=str(output)), launch_testing.actions.ReadyToTest()]
    )
    return description, {"output": output}


class TestGraph(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.observer = Observer()
        cls.observer.listen(VlFeatures, "features", qos.FEATURES)
        cls.observer.listen(ActionChunk, "action_chunk", qos.CHUNK)
        cls.observer.listen(TwistStamped, "command", qos.COMMAND)
        cls.observer.listen(StageLatency, "latency", qos.LATENCY)

    @classmethod
    def tearDownClass(cls):
        cls.observer.close()

    def test_1_features_of_five_views_about_once_a_second(self):
        features = self.observer.wait_for("features", 6)
        for message in features:
            self.assertEqual(message.views, VIEWS)
            grids = np.array(message.image_grid_thw).reshape(5, 3)
            # Four patches become one token: the images have been through the model.
            self.assertEqual(list(message.view_tokens), list(grids.prod(axis=1) // 4))
            self.assertGreater(message.total_tokens, sum(message.view_tokens))
            stamps = [to_ns(stamp) for stamp in message.view_stamps]
            self.assertLessEqual(max(stamps) - min(stamps), 50_000_000)
            self.assertEqual(to_ns(message.header.stamp), min(stamps))
            values = np.frombuffer(message.data, message.dtype)
            self.assertEqual(values.size, np.prod(message.shape))
            self.assertTrue(np.isfinite(values).all() and values.std() > 0)
        sequences = [message.sequence for message in features]
        self.assertEqual(sequences, list(range(sequences[0], sequences[0] + 6)))
        self.assertNotEqual(bytes(features[0].data), bytes(features[-1].data))
        rate = rate_hz([to_ns(message.header.stamp) for message in features])
        self.assertTrue(0.6 < rate < 1.4, rate)

    def test_2_chunks_at_ten_hertz_with_ledgers_that_add_up(self):
        chunks = self.observer.wait_for("action_chunk", 40)
        ticks = [chunk.tick for chunk in chunks]
        stamps = [to_ns(chunk.header.stamp) for chunk in chunks]
        per_tick_s = (stamps[-1] - stamps[0]) / 1e9 / (ticks[-1] - ticks[0])
        self.assertAlmostEqual(per_tick_s, 0.1, delta=0.005)
        known = {(m.session, m.sequence): m for m in self.observer.messages("features")}
        for chunk, stamp_ns in zip(chunks, stamps):
            self.assertEqual((chunk.horizon, chunk.dim, len(chunk.data)), (8, 7, 56))
            self.assertEqual(chunk.views, VIEWS)
            source = known[(chunk.features_session, chunk.features_sequence)]
            self.assertEqual(chunk.model_id, source.model_id)
            captured = [to_ns(stamp) for stamp in source.view_stamps]
            for age_s, skew_s, capture_ns in zip(chunk.view_age_s, chunk.view_skew_s, captured):
                self.assertAlmostEqual(age_s, (stamp_ns - capture_ns) / 1e9, places=3)
                self.assertAlmostEqual(skew_s, (max(captured) - capture_ns) / 1e9, places=6)
            self.assertEqual(chunk.features_age_s, max(chunk.view_age_s))
            self.assertEqual((chunk.sensor_samples, chunk.state_samples), (65, 65))
            self.assertTrue(0 <= chunk.sensor_age_s < 0.2 and 0 <= chunk.state_age_s < 0.2)
            self.assertAlmostEqual(chunk.sensor_gap_s, 1 / 650, delta=0.02)

    def test_3_frames_of_five_cameras_are_delivered(self):
        self.observer.wait(lambda: self.observer.status("vl_encoder"), "diagnostics")
        self.observer.wait(
            lambda: int(self.observer.status("vl_encoder")["camera_1.received"]) > 60, "frames"
        )
        status = self.observer.status("vl_encoder")
        for view in VIEWS:
            received, lost = int(status[f"{view}.received"]), int(status[f"{view}.lost"])
            self.assertGreater(received, 0.97 * (received + lost), view)
        self.observer.listen(Image, "camera_5/image_raw", qos.IMAGE)
        [image] = self.observer.wait_for("camera_5/image_raw")[:1]
        self.assertEqual((image.width, image.height, image.encoding), (640, 360, "rgb8"))

    def test_4_commands_follow_the_chunks(self):
        commands = self.observer.wait_for("command", 100)
        stamps = [to_ns(command.header.stamp) for command in commands]
        self.assertTrue(45 < rate_hz(stamps) < 55, rate_hz(stamps))
        linear = [command.twist.linear for command in commands]
        speeds = [float(np.linalg.norm([v.x, v.y, v.z])) for v in linear]
        self.assertGreater(max(speeds), 0)
        self.assertLessEqual(max(speeds), 0.05 + 1e-6)

    def test_5_the_robot_stops_when_the_action_node_is_killed_and_goes_on_when_it_is_back(self):
        self.observer.wait(lambda: speed(self.observer.messages("command")[-1]) > 0, "motion")
        pid = int(self.observer.status("action")["pid"])
        os.kill(pid, signal.SIGKILL)
        killed_ns = self.observer.now_ns()
        self.observer.wait(lambda: self.observer.status("command")["mode"] == "HOLD", "a hold")
        self.assertIn("no new chunk", self.observer.status("command")["reason"])

        def speeds_300_ms_later():
            commands = self.observer.messages("command")
            return [speed(m) for m in commands if to_ns(m.header.stamp) > killed_ns + 300_000_000]

        self.observer.wait(lambda: len(speeds_300_ms_later()) >= 5, "commands")
        self.assertEqual(speeds_300_ms_later()[:5], [0.0] * 5)
        self.observer.wait(lambda: self.observer.status("command")["mode"] == "RUNNING", "a return")
        self.observer.wait(lambda: int(self.observer.status("action")["pid"]) != pid, "a new pid")


@launch_testing.post_shutdown_test()
class TestAfterwards(unittest.TestCase):
    def test_everybody_ended_cleanly(self, proc_info):
        codes = {ended.process_name.split("-")[0]: ended.returncode for ended in proc_info}
        names = ("vl_encoder", "action", "command", "profiler", "sim")
        self.assertEqual(codes, dict.fromkeys(names, 0))

    def test_the_bag_opens_and_holds_every_stage(self, output):
        self.assertEqual(
            sorted(path.name for path in output.iterdir()),
            ["bag", "latency.png", "report.html", "summary.json", "timeline.png", "trace.json"],
        )
        stages, topics = set(), set()
        with AnyReader([output / "bag"]) as reader:
            for connection, _, raw in reader.messages():
                topics.add(connection.topic)
                if connection.topic == "/latency":
                    message = reader.deserialize(raw, connection.msgtype)
                    stages.update(message.stages)
        self.assertEqual(stages, STAGES)
        expected = ("features", "action_chunk", "command", "latency", "diagnostics")
        self.assertLessEqual({f"/{name}" for name in expected}, topics)

    def test_the_report_is_whole(self, output):
        summary = json.loads((output / "summary.json").read_text())
        self.assertGreater(summary["chunk_period"]["ticks"], 40)
        for name in ("timeline.png", "latency.png"):
            picture = cv2.imread(str(output / name))
            self.assertGreater(picture.shape[1], 600)
            self.assertGreater(picture.std(), 5)


def speed(command):
    linear, angular = command.twist.linear, command.twist.angular
    return float(np.linalg.norm([linear.x, linear.y, linear.z, angular.x, angular.y, angular.z]))
