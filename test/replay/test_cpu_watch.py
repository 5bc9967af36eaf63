"""CPU times of the nodes below a launch, read from the operating system."""

import os
import signal
import subprocess
import sys

from vla_ros.replay.cpu_watch import CpuWatch, cpu_seconds, profiler_cost

BUSY = f"""#!{sys.executable}
import signal, time

end = time.process_time() + 0.2
while time.process_time() < end:
    pass
print("done", flush=True)
signal.pause()
"""


def test_a_node_is_known_by_its_executable(tmp_path):
    script = tmp_path / "action"
    script.write_text(BUSY)
    script.chmod(0o755)
    with subprocess.Popen([script, "--ros-args"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "done\n"
        found = cpu_seconds(os.getpid())
        process.send_signal(signal.SIGTERM)
    assert set(found) == {"action"}
    assert found["action"] >= 0.19


def test_a_launch_in_which_nothing_was_played_tells_nothing():
    watch = CpuWatch()
    watch("[INFO] [launch]: started", os.getpid())
    assert watch.shares() == {}


def test_without_a_share_of_the_action_node_the_cost_is_unknown():
    cost = profiler_cost([{"command": 0.05}], [{}])
    assert cost["action_period_percent"] is None
    assert cost["cpu_percent"] == {"command": {"on": [5.0], "off": []}}
