"""Finds the highest camera rate, and the highest command rate, that the graph holds."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from vla_ros.core.errors import ParameterError, VlaError
from vla_ros.replay import live
from vla_ros.replay.graph import run_graph
from vla_ros.replay.results import claim, collect
from vla_ros.replay.settings import ReplaySettings
from vla_ros.replay.sweep_search import highest
from vla_ros.report.measures import Measure, measures

FRAMES_LOST_PERCENT = 1.0
SHORT_S = 8.0
_PARAMS = "params.yaml"


@dataclass(frozen=True, slots=True)
class Axis:
    """What is varied: a parameter of a node, over ascending rates [Hz]."""

    node: str
    parameter: str
    rates: tuple[float, ...]


AXES = {
    "camera": Axis(
        "bag_source",
        "camera_rate_hz",
        (
            *(1.0, 2.0, 5.0, 8.0, 10.0, 12.0, 15.0, 18.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0),
            *(50.0, 60.0, 70.0, 80.0, 90.0, 100.0, 120.0, 150.0, 200.0, 250.0, 300.0, 400.0),
            *(500.0, 650.0, 800.0, 1000.0),
        ),
    ),
    "command": Axis(
        "command",
        "rate_hz",
        (
            *(5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 75.0, 100.0, 125.0, 150.0, 200.0, 250.0),
            *(300.0, 350.0, 400.0, 450.0, 500.0, 600.0, 700.0, 800.0, 900.0, 1000.0),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """A run at one rate; it holds if there is no reason why not."""

    rate_hz: float
    seconds: float
    reason: str
    frames_lost_percent: float | None
    deadlines_missed: int | None
    folder: str
    input_lagged: bool = False


def run_sweep(settings: ReplaySettings, run: live.RunGraph = run_graph) -> int:
    """Search, write the results and print them; return the exit code.

    Returns:
        0, or 1 if not even the lowest rate held, or a rate fell below the baseline's.

    Raises:
        ParameterError: a setting is out of range.
        VlaError: the folder is not free, the bag or the baseline does not fit, no launch works.
    """
    settings = live.checked(settings)
    if unknown := set(settings.sweeps) - AXES.keys():
        raise ParameterError(f"sweeps has {', '.join(unknown)}; allowed: {', '.join(AXES)}")
    base = _read_params(settings.params_file)
    old = live.checked_baseline(settings)
    claim(settings.output_dir)
    sweeps: dict[str, Any] = {}
    model_id = ""
    for name in settings.sweeps:
        search = _Search(name, AXES[name], settings, base, run)
        with tqdm(desc=f"{name} rate", unit="run", disable=None) as search.bar:
            sweeps[name] = search.result()
        model_id = model_id or search.model_id
    result = collect(settings, [])
    result |= {"sweeps": sweeps, "model_id": model_id, "measures": dict(_measures(sweeps))}
    found = all(sweep["highest_hz"] is not None for sweep in sweeps.values())
    return live.conclude(result, settings, old, sound=found)


class _Search:
    """The search along one axis; each run is kept in a folder of its own."""

    def __init__(
        self,
        name: str,
        axis: Axis,
        settings: ReplaySettings,
        base: Mapping[str, Any],
        run: live.RunGraph,
    ) -> None:
        self._name, self._axis, self._settings = name, axis, settings
        self._base, self._run = base, run
        self._trials: list[Trial] = []
        self.bar: Any = None
        self.model_id = ""

    def result(self) -> dict[str, Any]:
        """Search; return what was found and every run."""
        short_s = self._settings.duration_s or SHORT_S
        found = highest(
            self._axis.rates,
            lambda rate_hz: self._holds(rate_hz, short_s),
            lambda rate_hz: self._holds(rate_hz, self._settings.confirm_s),
        )
        return {
            "parameter": f"{self._axis.node}.{self._axis.parameter}",
            "highest_hz": found,
            "highest_tried": found == self._axis.rates[-1],
            "trials": [asdict(trial) for trial in self._trials],
        }

    def _holds(self, rate_hz: float, seconds: float) -> bool:
        """Run; once more if it was the input that came late, which tells nothing of the graph."""
        trial = self._tried(rate_hz, seconds)
        if trial.input_lagged:
            trial = self._tried(rate_hz, seconds)
        return not trial.reason

    def _tried(self, rate_hz: float, seconds: float) -> Trial:
        self.bar.set_postfix_str(f"{rate_hz:g} Hz for {seconds:g} s")
        number = len(self._trials) + 1
        folder = self._settings.output_dir / f"{self._name}_{number:02}_{rate_hz:g}_hz"
        folder.mkdir()
        params = overridden(self._base, self._axis, rate_hz)
        (folder / _PARAMS).write_text(yaml.safe_dump(params, sort_keys=False))
        trial = self._trial(rate_hz, seconds, folder)
        self._trials.append(trial)
        told = f"{self._name} {rate_hz:g} Hz, {seconds:g} s: {trial.reason or 'holds'}"
        self.bar.write(told, file=sys.stderr)
        self.bar.update()
        return trial

    def _trial(self, rate_hz: float, seconds: float, folder: Path) -> Trial:
        given = {
            "params_file": str((folder / _PARAMS).absolute()),
            "bag_duration_s": str(seconds),
            "output_dir": str(folder.absolute()),
        }
        try:
            self._run(live.arguments(self._settings, given), lambda line, pid: None)
            summary = json.loads((folder / "summary.json").read_text())
        except (VlaError, OSError, ValueError) as error:
            if not self.model_id:  # no run has worked so far: it is not the rate
                raise VlaError(f"{folder.name}: {error}") from error
            last = str(error).splitlines()[-1]
            return Trial(rate_hz, seconds, f"the launch failed: {last}", None, None, str(folder))
        known = measures(summary)
        self.model_id = live.judge(folder, summary).model_id or self.model_id
        return Trial(
            rate_hz,
            seconds,
            "; ".join(faults(summary, known)),
            known["frames_lost_worst_percent"].value,
            deadlines_missed(summary, known),
            str(folder),
            bool(live.input_fault(summary)),
        )


def faults(summary: Mapping[str, Any], known: Mapping[str, Measure]) -> Iterator[str]:
    """Say why a rate does not hold, nothing if it does."""
    if known["commands_hz"].value is None:
        yield "no commands came"
    if lag := live.input_fault(summary):
        yield lag
    missed = deadlines_missed(summary, known)
    if missed:
        yield f"deadlines missed: {missed}"
    lost = known["frames_lost_worst_percent"].value
    if lost is None or lost > FRAMES_LOST_PERCENT:
        yield f"{'all' if lost is None else f'{lost:.1f} %'} of a camera's frames lost"


def deadlines_missed(summary: Mapping[str, Any], known: Mapping[str, Measure]) -> int:
    """Return ticks and commands that did not come in their period, and other cycles left out."""
    # Three ways of seeing the same late tick.
    names = ("chunk_deadlines_missed", "ticks_without_chunk")
    ticks = [int(known[name].value or 0) for name in names if name in known]
    ticks.append(int(summary["missed"].get("action", 0)))
    others = sum(int(missed) for node, missed in summary["missed"].items() if node != "action")
    return max(ticks) + others + int(known["command_deadlines_missed"].value or 0)


def overridden(base: Mapping[str, Any], axis: Axis, rate_hz: float) -> dict[str, Any]:
    """Return parameters with the axis set, also where the node is named in another way."""
    params: dict[str, Any] = json.loads(json.dumps(base))
    params.setdefault(f"/**/{axis.node}", {})
    for key, entry in params.items():
        if key.rpartition("/")[2] == axis.node:
            entry.setdefault("ros__parameters", {})[axis.parameter] = rate_hz
    return params


def _read_params(path: Path | None) -> dict[str, Any]:
    """Return the nodes' parameters; without a path, those that the launch file would take."""
    if path is None:
        # Only here: the package's other modes run where no ROS is.
        from ament_index_python.packages import get_package_share_directory

        path = Path(get_package_share_directory("vla_ros")) / "config" / "realtime.yaml"
    try:
        params = yaml.safe_load(path.read_text()) or {}
    except (OSError, yaml.YAMLError) as error:
        raise ParameterError(f"params_file {path} cannot be read: {error}") from error
    if not isinstance(params, dict):
        raise ParameterError(f"params_file {path} holds {type(params).__name__}; node: is allowed")
    return params


def _measures(sweeps: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the highest rates as measures; their spread is the distance to the next rate."""
    for name, sweep in sweeps.items():
        rates, found = AXES[name].rates, sweep["highest_hz"]
        step = None
        if found is not None:
            at = rates.index(found)
            step = found - rates[at - 1] if at else found
        yield (
            f"highest_{name}_hz",
            {
                **{"unit": "Hz", "better": "higher", "median": found, "min": found, "max": found},
                **{"spread": step, "values": [found]},
            },
        )
