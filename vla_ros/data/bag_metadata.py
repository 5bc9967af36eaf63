"""The metadata.yaml of a rosbag2 directory, version 9 (ROS 2 Jazzy)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

NAME = "metadata.yaml"
# Whether the recorder came to its end, in the custom data.
STATE, OPEN, CLOSED = "recording", "open", "closed"
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

    @classmethod
    def from_yaml(cls, text: str) -> "Qos":
        """Read the first profile as any version stores it; where there is none, the default."""
        try:
            profile = yaml.safe_load(text)[0]
            reliability, durability = profile["reliability"], profile["durability"]
            depth = int(profile["depth"])
        except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError):
            return cls()
        # Numbers of rmw_qos_reliability_policy_t and rmw_qos_durability_policy_t, as up to Iron.
        return cls(reliability in (1, "reliable"), durability in (1, "transient_local"), depth)


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
    encoding: str = "ros2msg"
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


@dataclass(frozen=True, slots=True)
class Metadata:
    """What metadata.yaml says of a bag; empty where there is none.

    Attributes:
        files: in the order in which they were written; without counts before version 5.
        custom: texts that the recorder kept.
        compression: `file` or `message` if that is what was compressed (zstd), else empty.
        note: what is wrong with it; empty if nothing.
    """

    files: tuple[FileEntry, ...] = ()
    custom: Mapping[str, str] = field(default_factory=dict)
    compression: str = ""
    note: str = ""


def read(folder: Path) -> Metadata:
    """Read metadata.yaml of any version; what makes no sense in it is said in `note`."""
    try:
        text = (folder / NAME).read_text(errors="replace")
    except FileNotFoundError:
        return Metadata(note=f"{NAME} is missing")
    except OSError as error:
        return Metadata(note=f"{NAME} cannot be read ({error.strerror})")
    try:
        information = yaml.load(text, yaml.CSafeLoader)["rosbag2_bagfile_information"]
        paths = information["relative_file_paths"]
        # Up to version 3 paths begin with the bag's own folder.
        known = {Path(entry["path"]).name: _file(entry) for entry in information.get("files") or ()}
        files = (known.get(name, FileEntry(name)) for name in (Path(path).name for path in paths))
        compression = str(information.get("compression_mode") or "").lower()
        return Metadata(
            files=tuple(files),
            custom=dict(information.get("custom_data") or {}),
            compression=compression if compression in ("file", "message") else "",
        )
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        return Metadata(note=f"{NAME} is damaged ({type(error).__name__})")


def is_open(metadata: Metadata) -> bool:
    """Return whether the recorder is at work, or was killed."""
    return metadata.custom.get(STATE) == OPEN


def _file(entry: Mapping[str, Any]) -> FileEntry:
    start_ns = entry["starting_time"]["nanoseconds_since_epoch"]
    end_ns = start_ns + entry["duration"]["nanoseconds"]
    return FileEntry(Path(entry["path"]).name, entry["message_count"], start_ns, end_ns)


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
