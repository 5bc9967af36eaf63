"""Replays a recorded bag: live or as a sweep through the graph, or in lockstep without it.

A thin wrapper around `ros2 run vla_ros replay`, which starts the graph of each run itself.
"""

import shlex

from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessExit
from launch.substitutions import LaunchConfiguration
from launch_ros.substitutions import ExecutableInPackage

from launch import LaunchDescription

BOOLEAN = ["true", "false"]
# Launch argument, which is the option of replay of that name: default (empty: it is not passed on),
# description, choices.
OPTIONS = {
    "mode": ("live", "live and sweep run the graph; lockstep needs no clock", None),
    "output_dir": ("", "where the results go; empty: output/<date>-<time> here", None),
    "checkpoint": ("embedded", "checkpoint folder; 'embedded': a small one", None),
    "head": ("regression", "which expert acts", ["regression", "flow"]),
    "views": ("", "how many cameras; empty: all in the bag", None),
    "rate_hz": ("", "encodes a second, 0: as fast as it goes; empty: 1", None),
    "params_file": ("", "YAML with the nodes' other parameters", None),
    "repeats": ("", "runs; empty: 5 live, else 1", None),
    "rate": ("1.0", "live: 2.0 plays twice as fast", None),
    "duration_s": ("0", "play for so long; 0: the bag once", None),
    "confirm_s": ("30", "sweep: length of the confirming runs", None),
    "vl_latency_ms": ("", "lockstep: 35,381,1453, recorded, or a CSV", None),
    "baseline": ("", "replay.json to compare with; worse is an error", None),
}
# Launch argument -> the switch of replay, given when the argument has this value.
SWITCHES = {
    "loop": ("false", "true", "--loop", "live: begin again until duration_s is over"),
    "use_sensor": ("true", "false", "--no-sensor", "whether the contact sensor is an input"),
    "use_robot_states": (
        *("true", "false", "--no-robot-states"),
        "whether joint states and pose are inputs",
    ),
    "profiler_cost": ("false", "true", "--profiler-cost", "live: also run without the profiler"),
}


def setup(context):
    """Return the process; run when the arguments are known."""

    def value(name):
        return LaunchConfiguration(name).perform(context)

    words = [value("bag")]
    for name in OPTIONS:
        if value(name):
            words += [f"--{name.replace('_', '-')}", value(name)]
    words += [switch for name, (_, on, switch, _) in SWITCHES.items() if value(name) == on]
    words += shlex.split(value("more"))
    # No Node: replay is none, and takes no --ros-args.
    replay = ExecuteProcess(
        cmd=[ExecutableInPackage(package="vla_ros", executable="replay"), *words],
        output="screen",
        # The graph of the run in progress ends first, with its report.
        sigterm_timeout="90",
    )
    return [replay, RegisterEventHandler(OnProcessExit(target_action=replay, on_exit=end))]


def end(event, context):
    """End the launch as replay has ended."""
    if context.is_shutdown:
        return []
    if event.returncode == 0:
        return [Shutdown(reason="the replay is over")]
    raise RuntimeError(f"replay ended with code {event.returncode}; it says why above")


def generate_launch_description():
    declare = DeclareLaunchArgument
    return LaunchDescription(
        [
            declare("bag", description="bag or folder of a run, recorded with record_inputs:=true"),
            *(
                declare(name, default_value=default, description=text, choices=choices)
                for name, (default, text, choices) in OPTIONS.items()
            ),
            *(
                declare(name, default_value=default, description=text, choices=BOOLEAN)
                for name, (default, _, _, text) in SWITCHES.items()
            ),
            declare("more", default_value="", description="more options of replay"),
            OpaqueFunction(function=setup),
        ]
    )
