"""What the profiler does with every message: into the bag, and into the numbers of the run."""

import json
import os
import platform
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.serde import SerdeError

from vla_ros import __version__
from vla_ros.core.errors import ParameterError
from vla_ros.data import processes
from vla_ros.data.bag_images import COMPRESSED, IMAGE, QUALITY, as_jpeg, is_encodable
from vla_ros.data.bag_metadata import Qos
from vla_ros.data.bag_writer import SPLIT_BYTES, BagWriter
from vla_ros.data.definitions import typestore
from vla_ros.data.processes import ProcessSampler
from vla_ros.data.run_log import TYPES, RunLog

BAG = "bag"
RAW, JPEG = "raw", "jpeg"
_FEATURES = "vla_ros/msg/VlFeatures"
_DISTRIBUTIONS = ("torch", "transformers", "mujoco", "numpy", "ros-jazzy-rclpy")


class Recorder:
    """Records serialised messages into `folder/bag` and keeps their numbers in `log`.

    `configuration` is what the run was started with; it lies in the bag's custom data, as does the
    `model_id` of the checkpoint once a message tells it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        split_bytes: int = SPLIT_BYTES,
        configuration: str = "",
        image_format: str = RAW,
        jpeg_quality: int = QUALITY,
    ) -> None:
        """Start a bag.

        Args:
            folder: where `bag` is made.
            split_bytes: a file that grows past this is closed.
            configuration: JSON, {"arguments": {...}, "parameters": {...}}; empty if not known.
            image_format: `raw` as they come, or `jpeg`: then images of eight bits are recorded
                as CompressedImage on `<topic>/compressed`.
            jpeg_quality: 1 to 100.

        Raises:
            BagError: `folder/bag` exists already or cannot be made.
            ParameterError: `configuration` is no JSON object.
        """
        typestore()  # takes a tenth of a second: now, and not when messages come
        self.log = RunLog()
        self.model_id = ""
        self.configuration = _configuration(configuration)
        custom = {
            "versions": json.dumps(versions()),
            "configuration": json.dumps(self.configuration),
        }
        self.bag = BagWriter(folder / BAG, split_bytes=split_bytes, custom=custom)
        self._jpeg_quality = jpeg_quality if image_format == JPEG else 0
        self._written_as: dict[str, str] = {}
        self._qos: dict[str, Qos] = {}
        self._sampler = ProcessSampler()

    def add_topic(self, topic: str, msgtype: str, qos: Qos) -> None:
        """Announce a topic.

        Raises:
            BagError: the definition of the type is not known.
        """
        if self._jpeg_quality and msgtype == IMAGE:
            self._qos[topic] = qos  # its first image tells whether it can be a JPEG
        else:
            self.bag.add_topic(topic, msgtype, qos)

    def receive(self, topic: str, msgtype: str, data: bytes, received_ns: int) -> None:
        """Record a serialised message; of features only what they say about themselves."""
        if msgtype in TYPES:
            data = self._learn(msgtype, data, received_ns)
        elif topic in self._qos:
            topic = self._written_as.get(topic) or self._begin_images(topic, data)
        self.bag.write(topic, data, received_ns)

    def sample(self, topic: str, now_ns: int) -> None:
        """Record what every process that has reported itself, and this one, uses just now."""
        pids = {"profiler": os.getpid(), **self.log.pids}
        self.bag.add_topic(topic, processes.MSGTYPE)
        self.receive(topic, processes.MSGTYPE, self._sampler.sample(pids, now_ns), now_ns)

    def close(self) -> None:
        """Close the bag."""
        self.bag.close()

    def _begin_images(self, topic: str, data: bytes) -> str:
        """Announce a topic of images by its first one; return the topic that is written."""
        try:
            encodable = is_encodable(data)
        except SerdeError:
            encodable = False
        name = f"{topic}/compressed" if encodable else topic
        encode = partial(as_jpeg, quality=self._jpeg_quality) if encodable else None
        self.bag.add_topic(
            name, COMPRESSED if encodable else IMAGE, self._qos[topic], encode=encode
        )
        self._written_as[topic] = name
        return name

    def _learn(self, msgtype: str, data: bytes, received_ns: int) -> bytes:
        """Add a message to the log; return what of it is to be recorded."""
        try:
            message = typestore().deserialize_cdr(data, msgtype)
        except (SerdeError, ValueError, IndexError):
            self.log.unreadable[msgtype] += 1
            return data
        self.log.add(msgtype, received_ns, message)
        if model_id := getattr(message, "model_id", ""):
            self.model_id = model_id
            self.bag.keep("model_id", model_id)
        if msgtype != _FEATURES:
            return data
        header_only = replace(message, data=np.empty(0, np.uint8))  # type: ignore[type-var]
        return bytes(typestore().serialize_cdr(header_only, msgtype))


def _configuration(text: str) -> dict[str, Any]:
    try:
        configuration = json.loads(text) if text else {}
    except ValueError as error:
        raise ParameterError(f"configuration is no JSON: {error}") from error
    if not isinstance(configuration, dict):
        raise ParameterError(f"configuration is {text}; a JSON object is allowed")
    return configuration


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
