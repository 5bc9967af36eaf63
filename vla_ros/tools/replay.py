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
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vla_ros.core.errors import ParameterError, VlaError
from vla_ros.data import bag_metadata
from vla_ros.replay.arguments import lockstep_settings, parse, replay_settings
from vla_ros.replay.lockstep_baseline import differences, load_baseline


class _Bar:
    """A progress bar a run, in virtual seconds; nothing where stderr is no terminal."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._total_s = _seconds(arguments.bag)
        if self._total_s and arguments.max_seconds:
            self._total_s = min(self._total_s, arguments.max_seconds)
        self._bar: tqdm[Any] | None = None
        self._run: tuple[str, int] | None = None

    def __call__(self, name: str, repeat: int, at_s: float) -> None:
        """Show how far a run is."""
        if self._run != (name, repeat):
            self.close()
            self._run = name, repeat
            text = f"{name}, repeat {repeat + 1}" if repeat else name
            form = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total:.1f} s [{elapsed}<{remaining}]"
            self._bar = tqdm(
                desc=text,
                total=self._total_s,
                bar_format=form if self._total_s else "{desc}: {n:.1f} s [{elapsed}]",
                disable=None,
                leave=False,
            )
        if self._bar is not None:
            self._bar.update(at_s - self._bar.n)

    def close(self) -> None:
        """Remove it."""
        if self._bar is not None:
            self._bar.close()


def _seconds(bag: Path) -> float | None:
    """Return how long a bag is, as its metadata say; None if they do not."""
    files = [file for file in bag_metadata.read(bag).files if file.count]
    if not files:
        return None
    return (max(file.end_ns for file in files) - min(file.start_ns for file in files)) / 1e9


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    arguments = parse(argv, __doc__)
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
    # Only now: it imports torch, which the other modes leave to the nodes.
    from vla_ros.replay.lockstep_replay import run_lockstep
    from vla_ros.replay.result_files import JUNIT, junit_of

    old = load_baseline(arguments.baseline) if arguments.baseline else None
    bar = _Bar(arguments)
    try:
        result = run_lockstep(lockstep_settings(arguments), bar)
    finally:
        bar.close()
    _tell(result, arguments.output_dir)
    checks = {"repeats": result["unequal"], "baseline": differences(old, result) if old else []}
    for name, faults in checks.items():
        for fault in faults:
            print(f"{name}: {fault}", file=sys.stderr)
    done = {"repeats": result["repeats"] > 1, "baseline": old is not None}
    suites = {n: [("same bits", "; ".join(faults), done[n])] for n, faults in checks.items()}
    junit = junit_of("lockstep", suites)
    junit.write(arguments.output_dir / JUNIT, encoding="utf-8", xml_declaration=True)
    print(json.dumps(result))
    return 1 if any(checks.values()) else 0


def _tell(result: dict[str, Any], folder: Path) -> None:
    """Print a result for people; what may be wrong with it goes to stderr."""
    from vla_ros.replay.lockstep_results import table

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
            f"{told['equal']} of {told['recorded']} recorded chunks came out bit for bit, others "
            f"within {told['action_difference_max']:.2g};\ntheir features within "
            f"{apart['p50']:.2f} ms (p50), {apart['p90']:.2f} ms (p90) of the recorded ones' age"
        )
    if result["repeats"] > 1 and not result["unequal"]:
        print(f"{result['repeats']} repeats gave the same actions and commands, bit for bit")
    print(f"reports: {folder}")


def _graph(arguments: argparse.Namespace) -> int:
    """Run the modes that need ROS; only now is it looked for."""
    run = getattr(import_module(f"vla_ros.replay.{arguments.mode}"), f"run_{arguments.mode}")
    code: int = run(replay_settings(arguments))
    return code


if __name__ == "__main__":
    raise SystemExit(main())
