"""The launch file's profile reaches Fast DDS: its shared-memory segment has the profile's size."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LARGEST = """
import rclpy
rclpy.init()
node = rclpy.create_node("profiled")
ranges = [line.split()[0] for line in open("/proc/self/maps") if "/dev/shm/" in line]
print(max(int(end, 16) - int(begin, 16) for begin, end in (r.split("-") for r in ranges)))
"""


def largest_segment(profile):
    name = runpy.run_path(str(ROOT / "launch" / "realtime.launch.py"))["PROFILES"]
    clean = {k: v for k, v in os.environ.items() if not k.endswith("_DEFAULT_PROFILES_FILE")}
    environment = {**clean, name: str(profile)} if profile else clean
    done = subprocess.run(
        [sys.executable, "-c", LARGEST], env=environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_the_segment_is_as_large_as_the_profile_says():
    assert largest_segment(None) < 2**21
    assert largest_segment(ROOT / "config" / "fastdds_shm.xml") > 2**26
