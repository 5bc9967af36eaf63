"""What the commonest things cost, with the real packages or the stand-ins, whichever are there."""

from __future__ import annotations

import importlib.util
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.time import Time
from sensor_msgs.msg import Image

from message_filters import ApproximateTimeSynchronizer, SimpleFilter

EMPTY = "import launch\ndef generate_launch_description(): return launch.LaunchDescription([])"


def launch_seconds(*options: str) -> float:
    """Return the median wall time of three `ros2 launch` of a launch file without entities."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder) / "empty.launch.py").write_text(EMPTY)
        for _ in range(3):
            start = time.perf_counter()
            command = [Path(sys.executable).with_name("ros2"), "launch", path, *options]
            subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def sync_ms(queue: int, slop: float, jitter: float, dead: bool = False) -> float:
    """Return CPU milliseconds for a frame of five cameras at 30 Hz, 6 ms apart, the last dead."""
    chance, filters, messages = random.Random(1), [SimpleFilter() for _ in range(5)], []
    ApproximateTimeSynchronizer(filters, queue, slop)  # kept alive by what it registers
    for frame in range(300):
        for index in range(5):
            at = 10 + frame / 30 + index * 0.006 + chance.gauss(0, jitter)
            message = Image()
            message.header.stamp = Time(seconds=at).to_msg()
            if not (dead and index == 4 and frame > 20):
                messages.append((at + chance.uniform(0.001, 0.01), index, message))
    messages.sort(key=lambda item: item[0])
    start = time.process_time()
    for _, index, message in messages:
        filters[index].signalMessage(message)
    return (time.process_time() - start) / 300 * 1e3


def image_ms(encoding: str) -> float:
    """Return the median milliseconds of imgmsg_to_cv2 of a 1080p bgr8 image."""
    from cv_bridge import CvBridge

    bridge, times = CvBridge(), []
    noise = np.random.default_rng(1).integers(0, 255, (1080, 1920, 3), np.uint8)
    message = bridge.cv2_to_imgmsg(noise, "bgr8")
    for _ in range(20):
        start = time.perf_counter()
        bridge.imgmsg_to_cv2(message, encoding)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


figures: dict[str, Any] = {
    "show_args_s": launch_seconds("--show-args"),
    "empty_launch_s": launch_seconds(),
    "sync_queue_10_slop_50ms_ms": sync_ms(10, 0.05, 0.004),
    "sync_queue_30_slop_100ms_ms": sync_ms(30, 0.1, 0.008),
    "sync_queue_30_slop_100ms_one_dead_ms": sync_ms(30, 0.1, 0.008, dead=True),
}
if importlib.util.find_spec("cv_bridge"):
    for name in ("passthrough", "bgr8", "rgb8"):
        figures[f"imgmsg_to_cv2_1080p_{name}_ms"] = image_ms(name)
print(json.dumps({name: round(value, 4) for name, value in figures.items()}))
