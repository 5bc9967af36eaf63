"""Runs the graph: encoder, action, command, profiler; and the simulated robot, or a bag."""

import json
import os
import time
from pathlib import Path

import yaml
from ament_index_python.packages import get_package_share_directory
from launch.actions import (
    DeclareLaunchArgument,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessExit
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription
from vla_ros.core import shared_memory
from vla_ros.core.errors import BagError
from vla_ros.data import playback
from vla_ros.data.bag_reader import BagReader

SHARE = Path(get_package_share_directory("vla_ros"))
CONFIG = SHARE / "config"
REFUSED = 2  # exit code of a node that was given a bad parameter, checkpoint or bag
BOOLEAN = ["true", "false"]
# The encoder, the action node and the profiler come back when they die: the robot holds without
# the first two and does not notice the third.
# They need time to end: an encode is finished, a report is drawn.
BACK = {"respawn": True, "respawn_delay": 1.0, "sigterm_timeout": "30"}
# Inputs beside the images -> the argument that says whether they are used.
STREAMS = {
    "sensor": "use_sensor",
    "joint_states": "use_robot_states",
    "ee_pose": "use_robot_states",
}
WRENCH = "geometry_msgs/msg/WrenchStamped"
# Jazzy's Fast DDS does not know the newer name; Kilted's warns of the older one.
OLDER_FAST_DDS = os.environ.get("ROS_DISTRO", "jazzy") == "jazzy"
PROFILES = f"{'FASTRTPS' if OLDER_FAST_DDS else 'FASTDDS'}_DEFAULT_PROFILES_FILE"


def argument(name, default, description, choices=None):
    return DeclareLaunchArgument(
        name, default_value=default, description=description, choices=choices
    )


ARGUMENTS = [
    argument("duration_s", "0", "end by itself after this many seconds; 0: run until Ctrl-C"),
    argument("output_dir", "", "where bag and report go; empty: output/<date>-<time> here"),
    argument(
        "source",
        "sim",
        "where images, sensor and robot states come from: the simulation, the drivers of a real "
        "robot, or a recorded bag",
        ["sim", "live", "bag"],
    ),
    argument(
        "bag", "", "bag or folder of a run to play, for source:=bag; its images are the views"
    ),
    argument("bag_rate", "1.0", "2.0 plays it twice as fast"),
    argument("bag_loop", "false", "begin again at its end", BOOLEAN),
    argument("bag_duration_s", "0", "play it for so long, again if need be; 0: once"),
    argument("cameras", str(CONFIG / "cameras.yaml"), "the cameras' topics, for source:=live"),
    argument(
        "checkpoint", "embedded", "checkpoint folder; 'embedded': a small one made on the spot"
    ),
    argument("action_head", "regression", "which expert acts", ["regression", "flow"]),
    argument("use_sensor", "true", "whether the contact sensor is an input", BOOLEAN),
    argument("use_robot_states", "true", "whether joint states and pose are inputs", BOOLEAN),
    argument("views", "5", "how many cameras", ["1", "2", "3", "4", "5"]),
    argument("rate_hz", "1.0", "encodes a second; 0: as fast as it goes"),
    argument("device", "auto", "where the policy runs", ["auto", "cpu", "cuda"]),
    argument("instruction", "insert the needle into the blue point", "what the robot is to do"),
    argument(
        "command_output",
        "twist",
        "message on `command`: TwistStamped, JointTrajectory or Float64MultiArray of velocities",
        ["twist", "joint_trajectory", "joint_velocity"],
    ),
    argument(
        "loop",
        "graph",
        "the graph, or the naive single loop that it is measured against",
        ["graph", "naive"],
    ),
    argument("record_inputs", "false", "also record images, sensor and robot states", BOOLEAN),
    argument(
        "record_images", "raw", "how images are recorded; jpeg takes a tenth", ["raw", "jpeg"]
    ),
    argument("profiler", "true", "whether to record and report; false: nothing is kept", BOOLEAN),
    argument("params_file", str(CONFIG / "realtime.yaml"), "YAML with the nodes' other parameters"),
]


def setup(context):
    """Return the nodes; run when the arguments are known."""

    def value(name):
        return LaunchConfiguration(name).perform(context)

    recorded = bag_topics(value)
    names, topics = cameras(value, recorded)
    output_dir = Path(value("output_dir") or time.strftime("output/%Y%m%d-%H%M%S")).absolute()
    last, nodes = policy_nodes(value, names, topics, recorded)
    plan = "nothing is recorded"
    if value("profiler") == "true":
        plan = f"the report will be in {output_dir}"
        nodes.append(profiler_node(value, output_dir, topics, configuration(context, value)))
    # Without what moves the robot, or without the robot, the run is over and says so.
    last += source_nodes(value, topics)
    watched = [(one, end) for one in last] + [(one, end_if_refused) for one in nodes]
    return [
        LogInfo(msg=plan),
        *nodes,
        *last,
        *(RegisterEventHandler(OnProcessExit(target_action=o, on_exit=e)) for o, e in watched),
    ]


def policy_nodes(value, names, topics, recorded):
    """Return what moves the robot, and the nodes that come back when they die."""
    params_file = value("params_file")
    policy = {"checkpoint": value("checkpoint"), "device": value("device")}
    encoder = {
        **policy,
        "views": names,
        "topics": topics,
        "rate_hz": float(value("rate_hz")),
        "instruction": value("instruction"),
    }
    action = {
        **policy,
        "action_head": value("action_head"),
        "use_sensor": value("use_sensor") == "true",
        "use_robot_states": value("use_robot_states") == "true",
    }
    if value("loop") == "naive":
        return [node("naive_loop", params_file, {**encoder, **action})], []
    if WRENCH in recorded.values():
        action["sensor_type"] = "wrench"
    command = {"output": value("command_output"), "robot_description": str(CONFIG / "arm.urdf")}
    return [node("command", params_file, command)], [
        node("vl_encoder", params_file, encoder, **BACK),
        node("action", params_file, action, **BACK),
    ]


def profiler_node(value, output_dir, topics, configuration):
    parameters = {
        "output_dir": str(output_dir),
        "record_inputs": value("record_inputs") == "true",
        "camera_topics": topics,
        "image_format": value("record_images"),
        "configuration": ParameterValue(json.dumps(configuration), value_type=str),
    }
    return node("profiler", value("params_file"), parameters, **BACK)


def configuration(context, value):
    """Return what the run is started with, to be kept in its bag."""
    names = [action.name for action in ARGUMENTS]
    parameters = yaml.safe_load(Path(value("params_file")).read_text()) or {}
    return {
        "arguments": {name: context.launch_configurations[name] for name in names},
        "parameters": {
            key: entry.get("ros__parameters", {})
            for key, entry in parameters.items()
            if isinstance(entry, dict)
        },
    }


def bag_topics(value):
    """Return the topics of the bag to play with their types; of another source, none."""
    if value("source") != "bag":
        return {}
    if not value("bag") or not Path(value("bag")).exists():
        raise RuntimeError(f"source:=bag needs bag:=PATH; {value('bag')!r} does not exist")
    try:
        with BagReader(bag_path(value)) as bag:
            return bag.topics
    except BagError as error:
        raise RuntimeError(f"bag:={value('bag')}: {error}") from error


def bag_path(value):
    """Return the bag: the path that was given, or what a run has in its folder."""
    inside = Path(value("bag")) / "bag"
    return inside if inside.is_dir() else Path(value("bag"))


def cameras(value, recorded):
    """Return the names of the cameras and their topics, as many as there are views."""
    count = int(value("views"))
    if value("source") == "bag":
        found = list(playback.cameras(recorded).items())[:count]
        if not found:
            raise RuntimeError(f"bag:={value('bag')} has no images; it has {', '.join(recorded)}")
        # Without the leading slash, so that a namespace and remappings apply.
        return [name for name, _ in found], [topic.lstrip("/") for _, topic in found]
    file = Path(value("cameras") if value("source") == "live" else CONFIG / "cameras.yaml")
    listed = yaml.safe_load(file.read_text())["cameras"]
    if len(listed) < count:
        raise RuntimeError(f"views:={count}, but {file} lists {len(listed)} cameras")
    return [c["name"] for c in listed[:count]], [c["topic"] for c in listed[:count]]


def node(name, params_file, parameters, **options):
    return Node(
        package="vla_ros",
        executable=name,
        name=name,
        parameters=[params_file, parameters],
        output="screen",
        **options,
    )


def source_nodes(value, topics):
    """Return the process that the inputs come from, none for a real robot's own drivers."""
    if value("source") == "sim":
        parameters = {"views": len(topics), "command_type": value("command_output")}
        return [node("sim", value("params_file"), parameters)]
    if value("source") == "bag":
        parameters = {
            "bag": str(bag_path(value)),
            "rate": float(value("bag_rate")),
            "loop": value("bag_loop") == "true",
            "duration_s": float(value("bag_duration_s")),
            "awaited": [*topics, *(name for name, use in STREAMS.items() if value(use) == "true")],
        }
        return [node("bag_source", value("params_file"), parameters)]
    return []


def end(event, context):
    """End the launch: quietly when a bag is over, with an error when something died."""
    if context.is_shutdown:
        return []
    if event.returncode == 0:
        return [Shutdown(reason=f"{event.process_name} has ended")]
    raise RuntimeError(f"{event.process_name} died with code {event.returncode}: nothing may move")


def end_if_refused(event, context):
    """End the launch when a node was given what it cannot work with: a respawn changes nothing."""
    if event.returncode == REFUSED and not context.is_shutdown:
        raise RuntimeError(
            f"{event.process_name} cannot run with these arguments; it says why above"
        )
    return []


def stop_after(context):
    duration_s = float(LaunchConfiguration("duration_s").perform(context))
    if duration_s <= 0:
        return []
    return [TimerAction(period=duration_s, actions=[Shutdown(reason="duration_s is over")])]


def clean_shared_memory(context):
    freed = shared_memory.clean()
    if not freed:
        return []
    return [LogInfo(msg=f"freed {freed / 1e6:.0f} MB of shared memory that dead processes left")]


def generate_launch_description():
    profile = os.environ.get(PROFILES, str(CONFIG / "fastdds_shm.xml"))
    return LaunchDescription(
        [
            *ARGUMENTS,
            SetEnvironmentVariable(PROFILES, profile),
            SetEnvironmentVariable("PYTHONUNBUFFERED", "1"),
            OpaqueFunction(function=clean_shared_memory),
            OpaqueFunction(function=setup),
            OpaqueFunction(function=stop_after),
        ]
    )
