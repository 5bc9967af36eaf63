"""The metadata.yaml of a rosbag2 directory, version 9 (ROS 2 Jazzy)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vla_ros.core.errors import BagError

NAME = "metadata.yaml"
_FOREVER = {"sec": 9223372036, "nsec": 854775807}


@dataclass(frozen=True, slots=True)
class Qos:
    """How the publisher of a topic offered it."""

    reliable: bool = True
    latched: bool = False
    depth: int = 10

    def as_dict(self) -> dict[str, Any]:
        """Return the profile as rosbag2 spells it."""
        return {
            "history": "keep_last",
            "depth": self.depth,
            "reliability": "reliable" if self.reliable else "best_effort",
            "durability": "transient_local" if self.latched else "volatile",
            "deadline": dict(_FOREVER),
            "lifespan": dict(_FOREVER),
            "liveliness": "automatic",
            "liveliness_lease_duration": dict(_FOREVER),
            "avoid_ros_namespace_conventions": False,
        }

    def as_yaml(self) -> str:
        """Return the profile as rosbag2 stores it beside an MCAP channel."""
        return str(yaml.safe_dump([self.as_dict()], sort_keys=False))


@dataclass(slots=True)
class FileEntry:
    """What one file of a bag holds; times are ns of the recording clock."""

    name: str
    count: int = 0
    start_ns: int = 0
    end_ns: int = 0

    def add(self, log_ns: int) -> None:
        """Count one message."""
        self.start_ns = min(self.start_ns, log_ns) if self.count else log_ns
        self.end_ns = max(self.end_ns, log_ns)
        self.count += 1

    @property
    def duration_ns(self) -> int:
        """From the first message to the last."""
        return self.end_ns - self.start_ns


@dataclass(slots=True)
class TopicEntry:
    """What a bag knows of one topic."""

    name: str
    msgtype: str
    qos: Qos
    definition: str
    type_hash: str
    count: int = 0


def write(
    folder: Path,
    files: Sequence[FileEntry],
    topics: Sequence[TopicEntry],
    custom: Mapping[str, str],
) -> None:
    """Write metadata.yaml so that a reader sees the old one or the new one, never half of one."""
    whole = FileEntry("")
    for file in files:
        if file.count:
            whole.add(file.start_ns)
            whole.add(file.end_ns)
    information = {
        "version": 9,
        "storage_identifier": "mcap",
        **_span(whole),
        "message_count": sum(file.count for file in files),
        "topics_with_message_count": [_topic(topic) for topic in topics],
        "compression_format": "",
        "compression_mode": "",
        "relative_file_paths": [file.name for file in files],
        "files": [
            {"path": file.name, **_span(file), "message_count": file.count} for file in files
        ],
        "custom_data": dict(custom) or None,
        "ros_distro": "jazzy",
    }
    text = yaml.safe_dump({"rosbag2_bagfile_information": information}, sort_keys=False)
    fresh = folder / f"{NAME}.new"
    fresh.write_text(text)
    fresh.replace(folder / NAME)


def read(folder: Path) -> tuple[list[FileEntry], dict[str, str]]:
    """Return the files and the custom texts of a bag; nothing where there is no metadata.yaml.

    Raises:
        BagError: metadata.yaml is damaged.
    """
    try:
        text = (folder / NAME).read_text()
    except OSError:
        return [], {}
    try:
        information = yaml.safe_load(text)["rosbag2_bagfile_information"]
        files = [_file(entry) for entry in information.get("files", ())]
        return files, dict(information.get("custom_data") or {})
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise BagError(f"{folder / NAME} is damaged: {error!r}") from error


def _file(entry: Mapping[str, Any]) -> FileEntry:
    start_ns = entry["starting_time"]["nanoseconds_since_epoch"]
    end_ns = start_ns + entry["duration"]["nanoseconds"]
    return FileEntry(entry["path"], entry["message_count"], start_ns, end_ns)


def _span(file: FileEntry) -> dict[str, Any]:
    return {
        "duration": {"nanoseconds": file.duration_ns},
        "starting_time": {"nanoseconds_since_epoch": file.start_ns},
    }


def _topic(topic: TopicEntry) -> dict[str, Any]:
    return {
        "topic_metadata": {
            "name": topic.name,
            "type": topic.msgtype,
            "serialization_format": "cdr",
            "offered_qos_profiles": [topic.qos.as_dict()],
            "type_description_hash": topic.type_hash,
        },
        "message_count": topic.count,
    }
