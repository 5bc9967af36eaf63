"""What the profiler does with every message: into the bag, and into the numbers of the run."""

import json
import os
import platform
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from rosbags.serde import SerdeError

from vla_ros import __version__
from vla_ros.data import processes
from vla_ros.data.bag_metadata import Qos
from vla_ros.data.bag_writer import SPLIT_BYTES, BagWriter
from vla_ros.data.definitions import typestore
from vla_ros.data.processes import ProcessSampler
from vla_ros.data.run_log import TYPES, RunLog

BAG = "bag"
_FEATURES = "vla_ros/msg/VlFeatures"
_DISTRIBUTIONS = ("torch", "transformers", "mujoco", "numpy", "ros-jazzy-rclpy")


class Recorder:
    """Records serialised messages into `folder/bag` and keeps their numbers in `log`."""

    def __init__(self, folder: Path, *, split_bytes: int = SPLIT_BYTES) -> None:
        """Start a bag.

        Raises:
            BagError: `folder/bag` exists already or cannot be made.
        """
        self.log = RunLog()
        self.bag = BagWriter(
            folder / BAG, split_bytes=split_bytes, custom={"versions": json.dumps(versions())}
        )
        self._sampler = ProcessSampler()

    def add_topic(self, topic: str, msgtype: str, qos: Qos) -> None:
        """Announce a topic.

        Raises:
            BagError: the definition of the type is not known.
        """
        self.bag.add_topic(topic, msgtype, qos)

    def receive(self, topic: str, msgtype: str, data: bytes, received_ns: int) -> None:
        """Record a serialised message; of features only what they say about themselves."""
        if msgtype in TYPES:
            data = self._learn(msgtype, data, received_ns)
        self.bag.write(topic, data, received_ns)

    def sample(self, topic: str, now_ns: int) -> None:
        """Record what every process that has reported itself, and this one, uses just now."""
        pids = {"profiler": os.getpid(), **self.log.pids}
        self.bag.add_topic(topic, processes.MSGTYPE)
        self.receive(topic, processes.MSGTYPE, self._sampler.sample(pids, now_ns), now_ns)

    def close(self) -> None:
        """Close the bag."""
        self.bag.close()

    def _learn(self, msgtype: str, data: bytes, received_ns: int) -> bytes:
        """Add a message to the log; return what of it is to be recorded."""
        try:
            message = typestore().deserialize_cdr(data, msgtype)
        except (SerdeError, ValueError, IndexError):
            self.log.unreadable[msgtype] += 1
            return data
        self.log.add(msgtype, received_ns, message)
        if msgtype != _FEATURES:
            return data
        header_only = replace(message, data=np.empty(0, np.uint8))  # type: ignore[type-var]
        return bytes(typestore().serialize_cdr(header_only, msgtype))


def versions() -> dict[str, str]:
    """Return what the recording was made with."""
    found = {"vla_ros": __version__, "python": platform.python_version()}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    found["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
    return found
