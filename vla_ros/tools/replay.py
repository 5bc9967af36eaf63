"""Runs a recorded bag's inputs again, and tells whether it holds, or what it would have done.

live: through the running graph, at the recorded times; measures whether this machine holds 10 Hz.
sweep: finds the highest camera rate and the highest command rate that hold.
lockstep: without ROS and without a clock; the same bag, checkpoint and latency trace give the same
actions, bit for bit. Answers what this policy would do if its encoder took 35, 381 or 1453 ms. The
robot's states are the recorded ones, whatever the policy does.

The last line on stdout is JSON.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vla_ros.core.errors import ParameterError, VlaError
from vla_ros.data.recorder import BAG
from vla_ros.replay.lockstep_baseline import differences, load_baseline
from vla_ros.replay.lockstep_replay import run_lockstep
from vla_ros.replay.lockstep_results import table
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


class _Bar:
    """A progress bar a run, in virtual seconds; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._run: tuple[str, int] | None = None

    def __call__(self, name: str, repeat: int, at_s: float) -> None:
        """Show how far a run is."""
        if self._run != (name, repeat):
            self.close()
            self._run = name, repeat
            text = f"{name}, repeat {repeat + 1}" if repeat else name
            self._bar = tqdm(desc=text, unit="s", unit_scale=True, disable=None, leave=False)
        if self._bar is not None:
            self._bar.update(at_s - self._bar.n)

    def close(self) -> None:
        """Remove it."""
        if self._bar is not None:
            self._bar.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    _refuse_others(parser, arguments)
    if (arguments.bag / BAG).is_dir():
        arguments.bag = arguments.bag / BAG
    arguments.repeats = arguments.repeats or _REPEATS[arguments.mode]
    arguments.output_dir = arguments.output_dir or Path(time.strftime("output/%Y%m%d-%H%M%S"))
    try:
        return _lockstep(arguments) if arguments.mode == "lockstep" else _graph(arguments)
    except ParameterError as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2
    except (VlaError, OSError) as error:
        print(f"replay: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("replay: interrupted", file=sys.stderr)
        return 130


def _lockstep(arguments: argparse.Namespace) -> int:
    bar = _Bar()
    old = load_baseline(arguments.baseline) if arguments.baseline else None
    try:
        result = run_lockstep(_lockstep_settings(arguments), bar)
    finally:
        bar.close()
    _tell(result, arguments.output_dir)
    changed = differences(old, result) if old else []
    for line in changed:
        print(f"baseline: {line}", file=sys.stderr)
    print(json.dumps(result))
    return 1 if changed else 0


def _tell(result: dict[str, Any], folder: Path) -> None:
    """Print a result for people; what may be wrong with it goes to stderr."""
    for run in result["runs"]:
        for reason, count in run["refused"].items():
            print(f"note: {run['vl_latency_ms']}: {count} times {reason}", file=sys.stderr)
    if result["bag_note"]:
        print(f"note: the bag was read as far as it goes: {result['bag_note']}", file=sys.stderr)
    computed, reused = result["encodes_computed"], result["encodes_reused"]
    print(f"{result['seconds']:.1f} s of {result['bag']}, {len(result['views'])} views, ", end="")
    print(f"{result['head']}, {computed} encodes computed, {reused} reused\n")
    print(table(result["runs"]), end="\n\n")
    for told in [run["recorded_chunks"] for run in result["runs"] if "recorded_chunks" in run]:
        apart = told["features_age_difference_ms"]
        print(
            f"{told['equal']} of {told['recorded']} recorded chunks came out bit for bit, ", end=""
        )
        print(f"features within {apart['p50']:.2f} ms (p50), {apart['p90']:.2f} ms (p90) of age")
    if result["repeats"] > 1:
        print(f"{result['repeats']} repeats gave the same actions and commands, bit for bit")
    print(f"reports: {folder}")


def _graph(arguments: argparse.Namespace) -> int:
    """Run the modes that need ROS; only now is it looked for."""
    run = getattr(import_module(f"vla_ros.replay.{arguments.mode}"), f"run_{arguments.mode}")
    code: int = run(_replay_settings(arguments))
    return code


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


def _lockstep_settings(arguments: argparse.Namespace) -> LockstepSettings:
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


def _replay_settings(arguments: argparse.Namespace) -> ReplaySettings:
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="replay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
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


if __name__ == "__main__":
    raise SystemExit(main())
