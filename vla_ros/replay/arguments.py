"""The command line of a replay, in every mode."""

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vla_ros.data.recorder import BAG
from vla_ros.replay.lockstep_settings import LockstepSettings
from vla_ros.replay.settings import MODES, ReplaySettings

_REPEATS = {"live": 5, "sweep": 1, "lockstep": 1}
# What only these modes have a use for.
_ONLY = {
    "live and sweep": (
        *("rate", "loop", "duration_s", "profiler_cost", "confirm_s", "sweeps", "launch"),
    ),
    "lockstep": (
        *("vl_latency_ms", "action_latency_ms", "max_seconds", "topics", "seed", "threads"),
    ),
}


def parse(argv: Sequence[str] | None, description: str) -> argparse.Namespace:
    """Return the arguments, with what was left to the mode filled in.

    Raises:
        SystemExit: 2, when they are not such as are allowed.
    """
    parser = _parser(description)
    arguments = parser.parse_args(argv)
    _refuse_others(parser, arguments)
    if (arguments.bag / BAG).is_dir():
        arguments.bag = arguments.bag / BAG
    arguments.repeats = arguments.repeats or _REPEATS[arguments.mode]
    arguments.output_dir = arguments.output_dir or Path(time.strftime("output/%Y%m%d-%H%M%S"))
    return arguments


def _shared(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "bag": arguments.bag,
        "output_dir": arguments.output_dir,
        "checkpoint": arguments.checkpoint,
        "head": arguments.head,
        "use_sensor": not arguments.no_sensor,
        "use_robot_states": not arguments.no_robot_states,
        "params_file": arguments.params_file,
        "repeats": arguments.repeats,
    }


def lockstep_settings(arguments: argparse.Namespace) -> LockstepSettings:
    """Return what the mode lockstep is asked to do."""
    return LockstepSettings(
        **_shared(arguments),
        vl_latency_ms=arguments.vl_latency_ms,
        action_latency_ms=arguments.action_latency_ms,
        views=arguments.views,
        topics=dict(arguments.topics),
        instruction=arguments.instruction,
        rate_hz=arguments.rate_hz,
        max_seconds=arguments.max_seconds,
        device=arguments.device,
        seed=arguments.seed,
        threads=arguments.threads,
    )


def replay_settings(arguments: argparse.Namespace) -> ReplaySettings:
    """Return what the modes that run the graph are asked to do."""
    more = {
        "views": arguments.views or None,
        "rate_hz": arguments.rate_hz,
        "device": None if arguments.device == "auto" else arguments.device,
        "instruction": arguments.instruction or None,
    }
    given = {name: str(value) for name, value in more.items() if value is not None}
    return ReplaySettings(
        **_shared(arguments),
        mode=arguments.mode,
        rate=arguments.rate,
        loop=arguments.loop,
        duration_s=arguments.duration_s,
        profiler_cost=arguments.profiler_cost,
        confirm_s=arguments.confirm_s,
        sweeps=tuple(arguments.sweeps),
        baseline=arguments.baseline,
        launch_arguments=given | dict(arguments.launch),
    )


def _parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="replay", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("bag", type=Path, help="a run recorded with record_inputs:=true, or a bag")
    add("--mode", choices=MODES, default="live", help="default: live")
    add(
        "--output-dir", type=Path, help="must not hold a replay yet (default: output/<date>-<time>)"
    )
    add("--checkpoint", default="embedded", help="checkpoint folder (default: the embedded one)")
    add("--head", choices=("regression", "flow"), default="regression", help="which expert acts")
    add("--no-sensor", action="store_true", help="the contact sensor is no input")
    add("--no-robot-states", action="store_true", help="joint states and pose are no inputs")
    add("--views", type=_count, default=0, help="how many cameras (default: all in the bag)")
    add("--rate-hz", type=_number, help="encodes a second, 0: as fast as it goes (default: 1)")
    add("--instruction", default="", help="what to do (default: as it was recorded)")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where the policy runs")
    add("--params-file", type=Path, help="YAML of the nodes' parameters (default: the package's)")
    add("--repeats", type=_count, default=0, help="runs (default: 5 live, else 1)")
    add(
        "--baseline",
        type=Path,
        metavar="OLD",
        help="replay.json (lockstep: lockstep.json) of an earlier replay: exit 1 if this one is "
        "worse (lockstep: if its actions are others)",
    )
    _add_lockstep(parser)
    _add_graph(parser)
    return parser


def _refuse_others(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Refuse what the mode has no use for, rather than ignore it."""
    for modes, names in _ONLY.items():
        for name in names:
            given = getattr(arguments, name) != parser.get_default(name)
            if given and arguments.mode not in modes:
                parser.error(f"--{name.replace('_', '-')} is given; it is for {modes}")


def _add_lockstep(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("lockstep").add_argument
    add(
        "--vl-latency-ms",
        default="recorded",
        metavar="TRACE",
        help="how long encodes take: milliseconds, `recorded` (the bag's own), a CSV file with a "
        "column latency_ms, or several with commas: 35,381,1453; a trace that is shorter than the "
        "replay begins again (default: recorded)",
    )
    add(
        "--action-latency-ms",
        type=_number,
        default=0.0,
        help="how long after its tick a chunk is there (default: 0)",
    )
    add("--max-seconds", type=_number, default=0.0, help="so much of the bag only (default: all)")
    add(
        "--topics",
        nargs="+",
        type=_topic,
        default=[],
        metavar="ROLE=TOPIC",
        help="inputs by other names: sensor, joint_states, ee_pose, instruction, or a view",
    )
    add("--seed", type=_count, default=0, help="of the flow head's noise (default: 0)")
    add("--threads", type=_count, default=0, help="of torch (default: one for each core)")


def _add_graph(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("live and sweep").add_argument
    add("--rate", type=_positive, default=1.0, help="2.0 plays twice as fast (default: 1)")
    add("--loop", action="store_true", help="begin again at the end, until --duration-s is over")
    add("--duration-s", type=_number, default=0.0, help="play for so long (default: the bag once)")
    add("--profiler-cost", action="store_true", help="also run with the profiler off, in turn")
    add("--confirm-s", type=_positive, default=30.0, help="of a sweep's confirming runs")
    add("--sweeps", nargs="+", choices=("camera", "command"), default=["camera", "command"])
    add(
        "--launch",
        nargs="+",
        type=_launch_argument,
        default=[],
        metavar="NAME:=VALUE",
        help="more arguments of realtime.launch.py",
    )


def _number(text: str) -> float:
    value = float(text)
    if not 0.0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is given; a number from 0 on is allowed")
    return value


def _positive(text: str) -> float:
    if (value := _number(text)) == 0.0:
        raise argparse.ArgumentTypeError(f"{text} is given; a number above 0 is allowed")
    return value


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is given; a whole number from 0 on is allowed")
    return int(text)


def _topic(text: str) -> tuple[str, str]:
    return _pair(text, "=", "ROLE=TOPIC")


def _launch_argument(text: str) -> tuple[str, str]:
    return _pair(text, ":=", "NAME:=VALUE")


def _pair(text: str, sign: str, form: str) -> tuple[str, str]:
    name, found, value = text.partition(sign)
    if not (name and found and value):
        raise argparse.ArgumentTypeError(f"{text!r} is given; {form} is allowed")
    return name, value
