"""What several runs of the same thing amount to: medians, spreads and a verdict."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from vla_ros.core.errors import VlaError
from vla_ros.data.recorder import versions
from vla_ros.replay.settings import ReplaySettings
from vla_ros.report.measures import Measure
from vla_ros.report.verdict import Verdict

SCHEMA = 1
REPLAY = "replay.json"
_BAG_FILES = ("*.mcap", "*.db3")
_SAMPLE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Repeat:
    """One run: what was measured, or why it does not count."""

    folder: Path
    measures: Mapping[str, Measure] = field(default_factory=dict)
    verdict: Verdict | None = None
    model_id: str = ""
    fault: str = ""  # why it is not valid

    @property
    def valid(self) -> bool:
        """Whether the run counts."""
        return not self.fault


def claim(folder: Path) -> None:
    """Make the folder of a replay.

    Raises:
        VlaError: it holds something already, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise VlaError(f"{folder} is not empty; a new or an empty folder is allowed")
    except OSError as error:
        raise VlaError(f"{folder} cannot be made: {error.strerror}") from error


def identify(bag: Path) -> str:
    """Return what tells a bag from others, wherever it lies: a hash of sizes, starts and ends."""
    found = [bag] if bag.is_file() else sorted(f for p in _BAG_FILES for f in bag.glob(p))
    digest = hashlib.sha256()
    for path in found:
        with path.open("rb") as file:
            size = path.stat().st_size
            digest.update(size.to_bytes(8, "big") + file.read(_SAMPLE_BYTES))
            file.seek(max(0, size - _SAMPLE_BYTES))
            digest.update(file.read())
    return digest.hexdigest()[:16]


def collect(settings: ReplaySettings, repeats: Sequence[Repeat]) -> dict[str, Any]:
    """Return the result of a replay, ready for JSON; only valid repeats count."""
    valid = [repeat for repeat in repeats if repeat.valid]
    found = versions()
    return {
        "schema": SCHEMA,
        "mode": settings.mode,
        "bag": {"path": str(settings.bag), "hash": identify(settings.bag)},
        "settings": {k: _plain(v) for k, v in asdict(settings).items()},
        "versions": found,
        "machine": {"name": platform.node(), "kind": found["machine"]},
        "model_id": next((repeat.model_id for repeat in valid), ""),
        "repeats": [_repeat(repeat) for repeat in repeats],
        "measures": spreads([repeat.measures for repeat in valid]),
        "verdict": overall([repeat.verdict for repeat in valid if repeat.verdict is not None]),
        "comparison": None,
    }


def spreads(runs: Sequence[Mapping[str, Measure]]) -> dict[str, dict[str, Any]]:
    """Return median, least, greatest and their distance of each measure over the runs."""
    names = dict.fromkeys(name for run in runs for name in run)
    measures = {}
    for name in names:
        of_runs = [run[name] for run in runs if name in run]
        values = [measure.value for measure in of_runs if measure.value is not None]
        known = {
            "median": median(values) if values else None,
            "min": min(values, default=None),
            "max": max(values, default=None),
            "spread": max(values) - min(values) if values else None,
        }
        about = {"unit": of_runs[0].unit, "better": of_runs[0].better}
        measures[name] = {**about, **known, "values": [measure.value for measure in of_runs]}
    return measures


def overall(verdicts: Sequence[Verdict]) -> dict[str, Any] | None:
    """Return one verdict on all runs: they hold if each of them does."""
    if not verdicts:
        return None
    failed = [verdict for verdict in verdicts if not verdict.holds]
    told = failed[0] if failed else verdicts[0]
    return {**asdict(told), "runs": len(verdicts), "runs_that_hold": len(verdicts) - len(failed)}


def table(result: Mapping[str, Any]) -> str:
    """Return a result as lines of text."""
    repeats, verdict = result["repeats"], result["verdict"]
    valid = sum(repeat["valid"] for repeat in repeats)
    lines = [f"{result['mode']} replay of {result['bag']['path']}: {valid} of {len(repeats)} runs"]
    lines[0] += " are valid"
    lines += [f"  {Path(r['folder']).name} invalid: {r['reason']}" for r in repeats if r["reason"]]
    if verdict:
        share = f"{verdict['runs_that_hold']} of {verdict['runs']} runs hold"
        where = f" (stage: {verdict['stage']})" if verdict["stage"] else ""
        lines.append(f"{share}: {verdict['reason']}{where}")
    if result["measures"]:
        lines += ["", f"{'measure':<46}{'median':>11}{'min':>11}{'max':>11}{'spread':>11}  unit"]
    for name, one in result["measures"].items():
        numbers = "".join(f"{number(one[key]):>11}" for key in ("median", "min", "max", "spread"))
        lines.append(f"{name:<46}{numbers}  {one['unit']}")
    if cost := result.get("profiler_cost"):
        lines += ["", *_cost_lines(cost)]
    return "\n".join(lines)


def _cost_lines(cost: Mapping[str, Any]) -> list[str]:
    more, aim = number(cost["action_period_percent"]), cost["aim_percent"]
    lines = [f"the profiler costs the action node {more} % of its period (aim: {aim:g} at most)"]
    lines.append(f"{'CPU, % of a core: median (min to max)':<40}{'with':>24}{'without':>24}")
    for node, sides in cost["cpu_percent"].items():
        cells = (_range(sides[side]) for side in ("on", "off"))
        lines.append(f"{node:<40}" + "".join(f"{cell:>24}" for cell in cells))
    return lines


def _range(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{number(median(values))} ({number(min(values))} to {number(max(values))})"


def number(value: float | None) -> str:
    """Return a number with as many digits as tell something."""
    if value is None:
        return "-"
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.1f}"


def _repeat(repeat: Repeat) -> dict[str, Any]:
    return {
        "valid": repeat.valid,
        "reason": repeat.fault,
        "folder": str(repeat.folder),
        "measures": {name: measure.value for name, measure in repeat.measures.items()},
        "verdict": asdict(repeat.verdict) if repeat.verdict is not None else None,
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def load(path: Path) -> dict[str, Any]:
    """Return a result that was written before.

    Raises:
        VlaError: there is none, or it is of another schema.
    """
    try:
        result: dict[str, Any] = json.loads((path / REPLAY if path.is_dir() else path).read_text())
        schema = result["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VlaError(f"{path} is no result of a replay: {error}") from error
    if schema != SCHEMA or "repeats" not in result:
        raise VlaError(f"{path} is a result of schema {schema!r}; {SCHEMA} is allowed")
    return result
