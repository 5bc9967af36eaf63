"""Writes one episode's folder out of the messages of a bag."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import MessageError
from vla_ros.core.readings import pose_row, sensor_block, to_ns
from vla_ros.data.bag_images import encoded
from vla_ros.data.bag_reader import Record
from vla_ros.data.episode_topics import EpisodeTopics
from vla_ros.data.episodes import ABOUT, IMAGES, SCHEMA

# What the policy takes unless its configuration names others.
_JOINTS = tuple(f"joint_{number}" for number in range(1, 7))
RECEIVED = "received.npz"
_QUALITY = 95
_SUFFIXES = {b"\xff\xd8\xff": ".jpg", b"\x89PN": ".png"}


class EpisodeWriter:
    """An episode being written: images at once, tables and episode.json when it is closed.

    Beside what an Episode shows, the tables keep the messages' own values, so that the way back
    gives the same messages: batch_* of the sensor, joint_* and pose_* of the robot states.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any], png: bool) -> None:
        """Prepare; the folder is made with the first image."""
        self._folder = folder
        self._about = dict(about)
        self._suffix = ".png" if png else ".jpg"
        self._received: dict[str, list[int]] = defaultdict(list)
        self._messages: dict[str, dict[str, Any]] = {}
        self._start_ns = 2**63
        self._blocks: list[tuple[NDArray[np.float32], NDArray[np.int64]]] = []
        self._indices: list[int] = []
        self._joints: list[tuple[int, Any]] = []
        self._poses: list[tuple[int, Any]] = []
        self._rows: list[tuple[int, NDArray[np.float32]]] = []
        self._row: NDArray[np.float32] | None = None
        self.images = 0

    def take(self, kind: str, name: str, record: Record, message: Any) -> None:
        """Take a message; `kind` is view, info, or a role of EpisodeTopics.

        Raises:
            MessageError: its contents contradict each other, or it is there already.
        """
        if kind == "info":
            self._describe(f"{name}/info", record, _camera_info(message))
            return
        if kind == "instruction":
            self._received[name] = self._received[name] or [record.log_ns]
            self._describe(name, record, {})
            return
        if kind == "view":
            self._image(name, record, message)
        elif kind == "sensor":
            self._sensor(record, message)
        elif kind == "joint_states":
            self._joint_state(record, message)
        else:
            self._row = pose_row(message)
            self._poses.append((to_ns(message.header.stamp), _pose(message)))
            self._describe(name, record, {"frame_id": message.header.frame_id})
        self._received[name].append(record.log_ns)

    def close(self, topics: EpisodeTopics) -> None:
        """Write the tables and episode.json."""
        if self._blocks:
            values, stamps_ns = (np.concatenate(parts) for parts in zip(*self._blocks, strict=True))
            lengths = [len(block) for block, _ in self._blocks]
            rate_hz = self._messages["sensor"]["rate_hz"]
            _save(
                self._folder / "sensor.npz",
                stamps_ns=stamps_ns,
                values=values,
                batch_starts=np.cumsum([0, *lengths[:-1]]),
                batch_indices=np.array(self._indices),
                **({"rate_hz": np.array(rate_hz)} if rate_hz else {}),
            )
        if self._rows:
            self._write_states()
        _save(self._folder / RECEIVED, **{k: np.array(v) for k, v in self._received.items()})
        about = {
            "schema": SCHEMA,
            **self._about,
            "start_ns": self._start_ns,
            "views": [view for view in topics.views if self._received.get(view)],
            "messages": self._messages,
        }
        (self._folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n")

    def _image(self, view: str, record: Record, message: Any) -> None:
        about = {"frame_id": message.header.frame_id}
        if hasattr(message, "format"):
            content = np.asarray(message.data, np.uint8)
            suffix = _SUFFIXES.get(content[:3].tobytes(), "")
            about["format"] = message.format
            if not suffix:
                raise MessageError(f"an image of format {message.format!r}; JPEG or PNG is allowed")
        else:
            suffix, about["encoding"] = self._suffix, message.encoding
            content = encoded(message, suffix, _QUALITY)
        # A driver that stamps nothing: then the time of receipt is the best there is.
        stamp_ns = to_ns(message.header.stamp) or record.log_ns
        path = self._folder / IMAGES / view / f"{stamp_ns}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(content.tobytes())
        except FileExistsError:
            raise MessageError("two images of one camera with the same stamp") from None
        self.images += 1
        self._start_ns = min(stamp_ns, self._start_ns)
        self._describe(view, record, about)

    def _sensor(self, record: Record, message: Any) -> None:
        block, first_ns, period_ns = sensor_block(message)
        rate_hz = float(getattr(message, "rate_hz", 0.0))
        stamps_ns = first_ns + period_ns * np.arange(len(block), dtype=np.int64)
        if self._blocks and self._blocks[0][0].shape[1] != block.shape[1]:
            raise MessageError(
                f"{block.shape[1]} channels after {self._blocks[0][0].shape[1]} in one episode"
            )
        if self._blocks and first_ns <= self._blocks[-1][1][-1]:  # the policy drops it too
            raise MessageError("a batch that begins before the last one ends")
        self._indices.append(int(getattr(message, "first_index", len(self._indices))))
        self._blocks.append((np.array(block), stamps_ns))
        about = {"frame_id": message.header.frame_id, "rate_hz": rate_hz}
        self._describe("sensor", record, about)

    def _joint_state(self, record: Record, message: Any) -> None:
        stamp_ns = to_ns(message.header.stamp)
        names = list(message.name)
        known = self._messages.get("joint_states", {}).get("names", names)
        if names != known or len(message.position) != len(names):
            raise MessageError(f"joints {names}, {len(message.position)} positions, after {known}")
        self._joints.append((stamp_ns, message))
        if self._row is not None:  # as the action node: joints with the newest pose
            taken = [names.index(name) for name in self._policy_joints(names)]
            joints = np.asarray(message.position, np.float32)[taken]
            self._rows.append((stamp_ns, np.concatenate([joints, self._row])))
        about = {"frame_id": message.header.frame_id, "names": names}
        self._describe("joint_states", record, about)

    def _policy_joints(self, names: list[str]) -> list[str]:
        """Return the joints that the policy takes, in its order; a gripper may be there too."""
        action = self._about.get("configuration", {}).get("parameters", {}).get("action", {})
        wanted = list(action.get("joints", _JOINTS))
        return wanted if set(wanted) <= set(names) else names[: len(_JOINTS)]

    def _write_states(self) -> None:
        rows = sorted(self._rows, key=lambda row: row[0])
        velocities = [message.velocity for _, message in self._joints]
        lengths = {len(velocity) for velocity in velocities}
        _save(
            self._folder / "robot_states.npz",
            stamps_ns=np.array([stamp_ns for stamp_ns, _ in rows]),
            values=np.stack([row for _, row in rows]),
            joint_names=np.array(self._policy_joints(self._messages["joint_states"]["names"])),
            joint_stamps_ns=np.array([stamp_ns for stamp_ns, _ in self._joints]),
            joint_positions=np.array([message.position for _, message in self._joints]),
            joint_velocities=np.array(velocities if len(lengths) == 1 else []),
            pose_stamps_ns=np.array([stamp_ns for stamp_ns, _ in self._poses]),
            poses=np.stack([pose for _, pose in self._poses]),
        )

    def _describe(self, name: str, record: Record, about: Mapping[str, Any]) -> None:
        """Keep what the first message of a topic says of all of them."""
        if name not in self._messages:
            described = {"topic": record.topic, "type": record.msgtype, **about}
            self._messages[name] = described


def _save(path: Path, **arrays: NDArray[Any]) -> None:
    np.savez(path, allow_pickle=False, **arrays)


def _pose(message: Any) -> NDArray[np.float64]:
    """Return (7,): position [m] and quaternion xyzw."""
    p, q = message.pose.position, message.pose.orientation
    return np.array([p.x, p.y, p.z, q.x, q.y, q.z, q.w])


def _camera_info(message: Any) -> dict[str, Any]:
    matrices = {name: np.asarray(getattr(message, name)).tolist() for name in "dkrp"}
    return {
        "frame_id": message.header.frame_id,
        "height": int(message.height),
        "width": int(message.width),
        "distortion_model": message.distortion_model,
        **matrices,
    }
