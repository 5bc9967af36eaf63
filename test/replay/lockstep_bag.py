"""A small recorded run for lockstep replays: images, sensor, robot states, made without ROS."""

import cv2
import numpy as np

from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.definitions import typestore

T0_NS = 1_760_000_000_000_000_000
MS = 1_000_000
VIEWS = tuple(f"camera_{number}" for number in range(1, 6))
SIZE = 56, 84
COMPRESSED = "sensor_msgs/msg/CompressedImage"
CHANNELS = 30  # of the tiny policy's sensor
TYPES = {
    "/sensor": "vla_ros/msg/SensorSamples",
    "/joint_states": "sensor_msgs/msg/JointState",
    "/ee_pose": "geometry_msgs/msg/PoseStamped",
    "/instruction": "std_msgs/msg/String",
    "/latency": "vla_ros/msg/StageLatency",
    "/features": "vla_ros/msg/VlFeatures",
}


def make(msgtype, **fields):
    return typestore().types[msgtype](**fields)


def header(ns):
    seconds, nanoseconds = divmod(ns, 10**9)
    stamp = make("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)
    return make("std_msgs/msg/Header", stamp=stamp, frame_id="base_link")


def image(ns, seed):
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (SIZE[0] // 4, SIZE[1] // 4, 3), np.uint8)
    pixels = np.kron(blocks, np.ones((4, 4, 1), np.uint8))
    return make(
        "sensor_msgs/msg/Image",
        header=header(ns),
        height=SIZE[0],
        width=SIZE[1],
        encoding="rgb8",
        is_bigendian=0,
        step=3 * SIZE[1],
        data=pixels.ravel(),
    )


def jpeg(ns, seed):
    pixels = image(ns, seed).data.reshape(*SIZE, 3)
    data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1]
    return make(COMPRESSED, header=header(ns), format="jpeg", data=data.ravel())


def samples(ns, number):
    rng = np.random.default_rng(number)
    return make(
        TYPES["/sensor"],
        header=header(ns),
        rate_hz=650.0,
        first_index=13 * number,
        channels=CHANNELS,
        data=rng.normal(size=13 * CHANNELS).astype(np.float32),
    )


def joints(ns, at_s):
    return make(
        TYPES["/joint_states"],
        header=header(ns),
        name=[f"joint_{number}" for number in range(1, 7)],
        position=np.sin(at_s + np.arange(6)),
        velocity=np.zeros(6),
        effort=np.zeros(0),
    )


def pose(ns, at_s):
    point = make("geometry_msgs/msg/Point", x=0.2 + 0.01 * np.sin(at_s), y=0.0, z=0.2)
    turn = make("geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=0.0, w=1.0)
    body = make("geometry_msgs/msg/Pose", position=point, orientation=turn)
    return make(TYPES["/ee_pose"], header=header(ns), pose=body)


def latency(ns, took_ms):
    return make(
        TYPES["/latency"],
        header=header(ns),
        node="vl_encoder",
        trace_id="s:1",
        cycle=1,
        missed=0,
        stages=["transport", "vision"],
        start_ms=np.array([-5.0, 0.0]),
        duration_ms=np.array([5.0, took_ms]),
    )


def messages(seconds, views=VIEWS, as_jpeg=()):
    """Yield (receipt [ms], topic, type, message) of everything, capture 5 ms before receipt."""
    for number in range(round(seconds * 10)):
        at_ms = 100 * number
        for view, name in enumerate(views):
            stamp_ns = T0_NS + (at_ms - 5) * MS
            seed, topic = 100 * number + view, f"/{name}/image_raw"
            if name in as_jpeg:
                yield at_ms + view, f"{topic}/compressed", COMPRESSED, jpeg(stamp_ns, seed)
            else:
                yield at_ms + view, topic, "sensor_msgs/msg/Image", image(stamp_ns, seed)
    for number in range(round(seconds * 50)):
        at_ms = 20 * number
        stamp_ns = T0_NS + at_ms * MS - 20 * MS
        yield at_ms, "/sensor", TYPES["/sensor"], samples(stamp_ns, number)
    for number in range(round(seconds * 100)):
        at_ms = 10 * number
        stamp_ns = T0_NS + at_ms * MS - MS
        yield at_ms, "/ee_pose", TYPES["/ee_pose"], pose(stamp_ns, at_ms / 1e3)
        yield at_ms, "/joint_states", TYPES["/joint_states"], joints(stamp_ns, at_ms / 1e3)


def write_bag(path, seconds=3.0, without=(), more=(), as_jpeg=()):
    """Write a bag; `without` names topics to leave out, `more` are further messages."""
    all_sent = messages(seconds, as_jpeg=as_jpeg)
    sent = [one for one in all_sent if not one[1].startswith(tuple(without) or "-")]
    with BagWriter(path) as bag:
        for at_ms, topic, msgtype, message in sorted([*sent, *more], key=lambda one: one[0]):
            bag.add_topic(topic, msgtype)
            data = bytes(typestore().serialize_cdr(message, msgtype))
            bag.write(topic, data, T0_NS + round(at_ms * MS))
    return path
