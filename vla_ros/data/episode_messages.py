"""An episode as messages again: those of the bag that it came from, or what they would be."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vla_ros.core.time import NS
from vla_ros.data.bag_images import COMPRESSED, IMAGE
from vla_ros.data.definitions import typestore
from vla_ros.data.episode_samples import EpisodeError, Samples, read_arrays
from vla_ros.data.episode_topics import CAMERA_INFO, JOINTS, POSE, SAMPLES, WRENCH
from vla_ros.data.episode_writer import RECEIVED
from vla_ros.data.episodes import Episode, Frame
from vla_ros.data.playback import INSTRUCTION

# Of sensor samples that were not recorded in batches: how many a second.
_BATCHES_HZ = 50.0
_FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"}


class Made(NamedTuple):
    """A message that is made when its turn comes: images stay on disk until then."""

    received_ns: int
    topic: str
    msgtype: str
    make: Callable[[], bytes]


@dataclass(frozen=True)
class _Source:
    """An episode, how its messages looked and when they came; empty where that is not known."""

    episode: Episode
    messages: Mapping[str, Mapping[str, Any]]
    received: Mapping[str, NDArray[Any]]
    shift_ns: int

    def about(self, name: str, topic: str, msgtype: str) -> dict[str, Any]:
        default = {"topic": topic, "type": msgtype, "frame_id": ""}
        return {**default, **self.messages.get(name, {})}

    def received_ns(self, name: str, stamps_ns: NDArray[np.int64]) -> list[int]:
        """Return when messages were received; at their stamps where that is not known."""
        known = self.received.get(name)
        times = known if known is not None and known.shape == stamps_ns.shape else stamps_ns
        return [int(time) + self.shift_ns for time in times]

    def header(self, about: Mapping[str, Any], stamp_ns: int) -> Any:
        seconds, nanoseconds = divmod(int(stamp_ns) + self.shift_ns, NS)
        stamp = _make("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)
        return _make("std_msgs/msg/Header", stamp=stamp, frame_id=about["frame_id"])


def messages(episode: Episode, shift_ns: int = 0) -> list[Made]:
    """Return an episode's messages in the order of their receipt, all times shifted.

    Raises:
        EpisodeError: a table makes no sense.
    """
    path = episode.folder / RECEIVED
    received = read_arrays(path) if path.is_file() else {}
    source = _Source(episode, episode.about.get("messages", {}), received, shift_ns)
    made = [one for view in episode.views for one in _images(source, view)]
    made += [*_sensor(source), *_states(source)]
    made[:0] = _instruction(source, min(one.received_ns for one in made))
    return sorted(made, key=lambda one: one.received_ns)


def _instruction(source: _Source, first_ns: int) -> Iterator[Made]:
    text = source.episode.instruction
    if text:
        topic = source.about("instruction", "/instruction", INSTRUCTION)["topic"]
        [at] = source.received_ns("instruction", np.array([first_ns - source.shift_ns]))
        yield Made(at, topic, INSTRUCTION, _later(INSTRUCTION, _make(INSTRUCTION, data=text)))


def _images(source: _Source, view: str) -> Iterator[Made]:
    frames = source.episode.views[view]
    about = source.about(view, f"/{view}/image_raw/compressed", COMPRESSED)
    info = source.messages.get(f"{view}/info")
    stamps_ns = np.array([frame.stamp_ns for frame in frames])
    for frame, received_ns in zip(frames, source.received_ns(view, stamps_ns), strict=True):
        header = source.header(about, frame.stamp_ns)
        yield Made(received_ns, about["topic"], about["type"], _image(about, header, frame))
        if info is not None:
            yield Made(received_ns, info["topic"], CAMERA_INFO, _info(info, header))


def _image(about: Mapping[str, Any], header: Any, frame: Frame) -> Callable[[], bytes]:
    def compressed() -> bytes:
        form = about.get("format", _FORMATS[frame.path.suffix.lower()])
        content = np.frombuffer(_file(frame.path), np.uint8)
        return _bytes(COMPRESSED, _make(COMPRESSED, header=header, format=form, data=content))

    def raw() -> bytes:
        pixels, encoding = frame.image(), "rgb8"
        if about.get("encoding") == "bgr8":
            pixels, encoding = np.ascontiguousarray(pixels[..., ::-1]), "bgr8"
        elif about.get("encoding") == "mono8":
            pixels, encoding = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)), "mono8"
        height, width = pixels.shape[:2]
        sizes = {"height": height, "width": width, "step": pixels[0].size, "is_bigendian": 0}
        fields = {"encoding": encoding, "data": pixels.ravel(), **sizes}
        return _bytes(IMAGE, _make(IMAGE, header=header, **fields))

    return raw if about["type"] == IMAGE else compressed


def _info(about: Mapping[str, Any], header: Any) -> Callable[[], bytes]:
    roi = {"x_offset": 0, "y_offset": 0, "height": 0, "width": 0, "do_rectify": False}
    message = _make(
        CAMERA_INFO,
        header=header,
        **{name: about[name] for name in ("height", "width", "distortion_model")},
        **{name: np.array(about[name], np.float64) for name in "dkrp"},
        **{"binning_x": 0, "binning_y": 0},
        roi=_make("sensor_msgs/msg/RegionOfInterest", **roi),
    )
    return lambda: _bytes(CAMERA_INFO, message)


def _sensor(source: _Source) -> Iterator[Made]:
    sensor = source.episode.sensor
    if sensor is None:
        return
    about = source.about("sensor", "/sensor", SAMPLES)
    starts, indices = _batches(source.episode, sensor)
    ends = [*starts[1:], len(sensor.values)]
    times = source.received_ns("sensor", sensor.stamps_ns[starts])
    rate_hz = float(about.get("rate_hz") or sensor.rate_hz)
    for start, end, index, at in zip(starts, ends, indices, times, strict=True):
        block = sensor.values[start:end]
        header = source.header(about, sensor.stamps_ns[start])
        if about["type"] == WRENCH:
            message = _wrench(header, block[0])
        else:
            fields = {"first_index": int(index), "channels": block.shape[1], "rate_hz": rate_hz}
            message = _make(SAMPLES, header=header, data=block.ravel(), **fields)
        yield Made(at, about["topic"], about["type"], _later(about["type"], message))


def _batches(episode: Episode, sensor: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row of each message's first sample, and that sample's number."""
    path = episode.folder / "sensor.npz"
    names = ("batch_starts", "batch_indices")
    known = read_arrays(path, names) if path.is_file() else {}
    if len(known) == len(names):
        starts, indices = (known[name].astype(np.int64) for name in names)
        return starts, indices
    size = max(round(sensor.rate_hz / _BATCHES_HZ), 1)
    starts = np.arange(0, len(sensor.values), size)
    return starts, starts


def _states(source: _Source) -> Iterator[Made]:
    states = source.episode.states
    if states is None:
        return
    joints = source.about("joint_states", "/joint_states", JOINTS)
    pose = source.about("ee_pose", "/ee_pose", POSE)
    kept = _kept(source.episode, states)
    supposed = states.names or (f"joint_{n}" for n in range(1, states.values.shape[1] - 5))
    names = list(joints.get("names", supposed))
    velocities = kept["joint_velocities"]
    empty = np.empty(0)
    pose_ns, joint_ns = kept["pose_stamps_ns"], kept["joint_stamps_ns"]
    for stamp_ns, at, row in zip(
        pose_ns, source.received_ns("ee_pose", pose_ns), kept["poses"], strict=True
    ):
        message = _pose(source.header(pose, stamp_ns), row)
        yield Made(at, pose["topic"], POSE, _later(POSE, message))
    for index, at in enumerate(source.received_ns("joint_states", joint_ns)):
        message = _make(
            JOINTS,
            header=source.header(joints, joint_ns[index]),
            name=names,
            position=kept["joint_positions"][index],
            velocity=velocities[index] if len(velocities) else empty,
            effort=empty,
        )
        yield Made(at, joints["topic"], JOINTS, _later(JOINTS, message))


def _kept(episode: Episode, states: Samples) -> Mapping[str, NDArray[Any]]:
    """Return the messages' own values, made from the rows where they were not kept."""
    path = episode.folder / "robot_states.npz"
    arrays = read_arrays(path) if path.is_file() else {}
    if "joint_positions" in arrays:
        return arrays
    if states.values.shape[1] < 7:
        raise EpisodeError(
            f"{episode.folder}: robot_states have {states.values.shape[1]} columns; joints, "
            "position and rotation vector are needed"
        )
    joints, poses = states.values[:, :-6].astype(float), states.values[:, -6:].astype(float)
    return {
        "joint_stamps_ns": states.stamps_ns,
        "joint_positions": joints,
        "joint_velocities": np.empty(0),
        "pose_stamps_ns": states.stamps_ns,
        "poses": np.hstack([poses[:, :3], _quaternions(poses[:, 3:])]),
    }


def _quaternions(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return quaternions xyzw (N, 4) of rotation vectors (N, 3) [rad]."""
    angles = np.linalg.norm(vectors, axis=1, keepdims=True)
    # sin(a/2) / a, which is 1/2 where there is no rotation.
    return np.hstack([vectors * np.sinc(angles / (2 * np.pi)) / 2, np.cos(angles / 2)])


def _pose(header: Any, row: NDArray[np.float64]) -> Any:
    names = ("x", "y", "z")
    place = _make("geometry_msgs/msg/Point", **dict(zip(names, row[:3].tolist(), strict=True)))
    turn = dict(zip((*names, "w"), row[3:].tolist(), strict=True))
    pose = _make(
        "geometry_msgs/msg/Pose",
        position=place,
        orientation=_make("geometry_msgs/msg/Quaternion", **turn),
    )
    return _make(POSE, header=header, pose=pose)


def _wrench(header: Any, values: NDArray[np.float32]) -> Any:
    vectors = [
        _make("geometry_msgs/msg/Vector3", **dict(zip("xyz", part, strict=True)))
        for part in (values[:3].tolist(), values[3:].tolist())
    ]
    wrench = _make("geometry_msgs/msg/Wrench", force=vectors[0], torque=vectors[1])
    return _make(WRENCH, header=header, wrench=wrench)


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EpisodeError(f"{path} cannot be read: {error}") from error


def _make(msgtype: str, **fields: Any) -> Any:
    return typestore().types[msgtype](**fields)


def _later(msgtype: str, message: Any) -> Callable[[], bytes]:
    return lambda: _bytes(msgtype, message)


def _bytes(msgtype: str, message: Any) -> bytes:
    return bytes(typestore().serialize_cdr(message, msgtype))
