"""Plays a bag through the running graph, at its recorded times, several times over."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vla_ros.core.errors import BagError, ParameterError, VlaError
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.playback import cameras
from vla_ros.data.recorder import BAG
from vla_ros.replay import baseline, result_files
from vla_ros.replay.cpu_watch import CpuWatch, profiler_cost
from vla_ros.replay.graph import Watch, run_graph
from vla_ros.replay.lockstep_inputs import first_instruction
from vla_ros.replay.results import Repeat, claim, collect, load
from vla_ros.replay.settings import ReplaySettings
from vla_ros.report.measures import measures
from vla_ros.report.verdict import verdict

# Inputs that came later than this are not those of the bag.
LAG_LIMIT_MS = 5.0
RunGraph = Callable[[Sequence[str], Watch], None]
_STREAMS = {
    "use_sensor": ("sensor",),
    "use_robot_states": ("joint_states", "ee_pose"),
}


def run_live(settings: ReplaySettings, run: RunGraph = run_graph) -> int:
    """Replay, write the results and print them; return the exit code.

    Returns:
        0, or 1 if no run was valid or something became worse than the baseline.

    Raises:
        ParameterError: a setting is out of range.
        VlaError: the folder is not free, the bag or the baseline does not fit, no launch works.
    """
    settings = checked(settings)
    old = checked_baseline(settings)
    claim(settings.output_dir)
    repeats: list[Repeat] = []
    usage: dict[str, list[dict[str, float]]] = {"on": [], "off": []}
    with tqdm(total=settings.repeats, desc="live", unit="run", disable=None) as bar:
        for number in range(1, settings.repeats + 1):
            watch = CpuWatch()
            repeats.append(run_once(settings, f"run_{number}", run, watch, repeats))
            bar.write(_line(repeats[-1]), file=sys.stderr)
            if settings.profiler_cost:
                usage["on"].append(watch.shares())
                usage["off"].append(_without_profiler(settings, run))
            bar.update()
    result = collect(settings, repeats)
    if settings.profiler_cost:
        result["profiler_cost"] = profiler_cost(usage["on"], usage["off"])
    return conclude(result, settings, old, sound=any(repeat.valid for repeat in repeats))


def run_once(
    settings: ReplaySettings,
    name: str,
    run: RunGraph,
    watch: Watch,
    before: Sequence[Repeat],
) -> Repeat:
    """Run the graph once into the folder `name`; a failed launch is a run that does not count.

    Raises:
        VlaError: the launch failed, and no run `before` was valid: it would fail again.
    """
    folder = settings.output_dir / name
    try:
        run(arguments(settings, {"output_dir": str(folder.absolute())}), watch)
        summary = json.loads((folder / "summary.json").read_text())
    except (VlaError, OSError, ValueError) as error:
        if not any(repeat.valid for repeat in before):
            raise VlaError(f"{name}: {error}") from error
        return Repeat(folder, fault=f"the launch failed: {str(error).splitlines()[-1]}")
    return judge(folder, summary)


def judge(folder: Path, summary: Mapping[str, Any]) -> Repeat:
    """Return what a run's summary amounts to."""
    statuses = summary["diagnostics"]
    model_id = statuses.get("action", {}).get("values", {}).get("model_id", "")
    fault = input_fault(summary)
    return Repeat(folder, measures(summary), verdict(summary), model_id, fault)


def input_fault(summary: Mapping[str, Any]) -> str:
    """Say why the inputs of a run were not those of the bag; nothing if they were."""
    status = summary["diagnostics"].get("bag_source")
    if status is None:
        return "the bag source did not tell its schedule"
    lag_ms = float(status["values"].get("lag_p99_ms", "nan"))
    if not lag_ms <= LAG_LIMIT_MS:
        return f"the input lagged {lag_ms:.1f} ms at p99; {LAG_LIMIT_MS:g} ms are allowed"
    return ""


def arguments(settings: ReplaySettings, given: Mapping[str, str]) -> list[str]:
    """Return the arguments of realtime.launch.py, NAME:=VALUE; `given` ones come last and count."""
    words = {
        "source": "bag",
        "bag": str(settings.bag.absolute()),
        "bag_rate": str(settings.rate),
        "bag_loop": _word(settings.loop),
        "bag_duration_s": str(settings.duration_s),
        "checkpoint": settings.checkpoint,
        "action_head": settings.head,
        "use_sensor": _word(settings.use_sensor),
        "use_robot_states": _word(settings.use_robot_states),
    }
    if settings.params_file is not None:
        words["params_file"] = str(settings.params_file.absolute())
    words |= {**settings.launch_arguments, **given}
    return [f"{name}:={value}" for name, value in words.items()]


def checked(settings: ReplaySettings) -> ReplaySettings:
    """Return the settings with a run's bag in the place of its folder, and its instruction.

    Raises:
        ParameterError: a setting is out of range.
        BagError: the bag cannot be read, or lacks what the policy needs.
    """
    if settings.repeats < 1:
        raise ParameterError(f"repeats is {settings.repeats}; at least 1 is allowed")
    if not 0.01 <= settings.rate <= 100.0:
        raise ParameterError(f"rate is {settings.rate}; 0.01 to 100 is allowed")
    if settings.loop and not settings.duration_s:
        raise ParameterError("loop without duration_s would never end; give duration_s too")
    inside = settings.bag / BAG
    bag_path = inside if inside.is_dir() else settings.bag
    with BagReader(bag_path) as bag:
        missing = list(_missing(settings, bag.topics))
        if missing:
            raise BagError(
                f"{bag_path} lacks {', '.join(missing)}; it has {', '.join(sorted(bag.topics))}"
            )
        recorded = first_instruction(bag, "")
    given = {"instruction": recorded} if recorded else {}
    return replace(settings, bag=bag_path, launch_arguments={**given, **settings.launch_arguments})


def _missing(settings: ReplaySettings, topics: Mapping[str, str]) -> Iterator[str]:
    if not cameras(topics):
        yield "images (record with record_inputs:=true)"
    for switch, names in _STREAMS.items():
        if getattr(settings, switch):
            ends = [topic.rpartition("/")[2] for topic in topics]
            hint = f"(or switch {switch} off)"
            yield from (f"{name} {hint}" for name in names if name not in ends)


def checked_baseline(settings: ReplaySettings) -> dict[str, Any] | None:
    """Return the baseline, None without one; that it fits is known before anything runs.

    Raises:
        VlaError: it is no result, or cannot be compared.
    """
    if settings.baseline is None:
        return None
    old = load(settings.baseline)
    baseline.check_comparable(old, collect(settings, []))
    return old


def conclude(
    result: dict[str, Any], settings: ReplaySettings, old: dict[str, Any] | None, *, sound: bool
) -> int:
    """Compare, write and print a result, JSON last; return the exit code, 1 unless `sound`."""
    if old is not None and sound:
        result["comparison"] = baseline.compare(old, result, str(settings.baseline))
    text = result_files.described(result)
    result_files.write(result, settings.output_dir, text)
    print(f"{text}\n\nresults: {settings.output_dir}")
    print(json.dumps(result_files.brief(result, settings.output_dir)), flush=True)
    worse = bool(result["comparison"] and result["comparison"]["regressions"])
    return 1 if worse or not sound else 0


def _line(repeat: Repeat) -> str:
    told = repeat.fault or (repeat.verdict.reason if repeat.verdict else "")
    return f"{repeat.folder.name}: {'invalid: ' * (not repeat.valid)}{told}"


def _without_profiler(settings: ReplaySettings, run: RunGraph) -> dict[str, float]:
    watch = CpuWatch()
    run(arguments(settings, {"profiler": "false"}), watch)
    return watch.shares()


def _word(switch: bool) -> str:
    return "true" if switch else "false"
