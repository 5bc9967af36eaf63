"""A result beside an older one: what became worse by more than its tolerance."""

from collections.abc import Mapping
from typing import Any

from vla_ros.core.errors import VlaError
from vla_ros.replay.results import number

# Share of the old median within which a measure may move; of the far end of a distribution,
# which a single event sets, more.
RELATIVE, RELATIVE_TAIL = 0.10, 0.50
_TAILS = ("_p99_", "_max_", "_longest_gap_")
# What is too little to matter, by measure, else by unit; of a mere count nothing is.
FLOORS = {
    "frames_lost": 5.0,
    "frames_unpaired": 5.0,
    "frames_lost_worst_percent": 0.5,
    "sensor_samples_lost": 13.0,
    "sensor_lost_percent": 0.1,
}
UNIT_FLOORS = {
    **{"ms": 1.0, "Hz": 0.1, "%": 2.0, "MB": 32.0},
    **{"m/s": 0.001, "rad/s": 0.01, "mm": 0.1, "m/s^2": 0.05, "m/s^3": 1.0},
}
# What must be the same for numbers to be comparable.
_SETTINGS = ("head", "use_sensor", "use_robot_states", "rate")


def check_comparable(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what is to be said before two results are compared.

    Raises:
        VlaError: they are of another bag, mode, checkpoint or configuration.
    """
    pairs = {
        "mode": (old["mode"], new["mode"]),
        "bag": (old["bag"]["hash"], new["bag"]["hash"]),
        **{name: (old["settings"][name], new["settings"][name]) for name in _SETTINGS},
    }
    if old["model_id"] and new["model_id"]:  # before the first run it is not known
        pairs["checkpoint"] = (old["model_id"], new["model_id"])
    other = [f"{name} {was} (now {now})" for name, (was, now) in pairs.items() if was != now]
    if other:
        raise VlaError(
            f"the baseline is of another {', another '.join(other)}; only results of the same "
            "bag, mode, checkpoint and inputs can be compared"
        )
    if old["machine"] != new["machine"]:
        was, now = old["machine"], new["machine"]
        return [f"the baseline is of another machine: {was['name']}, {was['kind']}; now {now}"]
    return []


def compare(old: Mapping[str, Any], new: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the comparison of the medians, measure by measure.

    Raises:
        VlaError: the results cannot be compared.
    """
    warnings = check_comparable(old, new)
    rows = [
        _row(name, measure, new["measures"].get(name, {}))
        for name, measure in old["measures"].items()
        if measure["better"] and measure["median"] is not None
    ]
    return {
        "baseline": source,
        "warnings": warnings,
        "rows": rows,
        "regressions": sum(row["outcome"] in ("regression", "gone") for row in rows),
    }


def tolerance(name: str, measure: Mapping[str, Any]) -> tuple[float, str]:
    """Return by how much a median may be worse than that of `measure`, and why so much."""
    share = RELATIVE_TAIL if any(tail in name for tail in _TAILS) else RELATIVE
    floor = FLOORS.get(name, UNIT_FLOORS.get(measure["unit"], 0.0))
    reasons = {
        f"{share:.0%} of the old median": abs(measure["median"]) * share,
        "the old spread": measure["spread"],
        f"too little to matter: {floor:g} {measure['unit']}".rstrip(): floor,
    }
    reason = max(reasons, key=lambda key: reasons[key])
    return reasons[reason], reason


def table(comparison: Mapping[str, Any]) -> str:
    """Return a comparison as lines of text: what became worse, what became better, how much not."""
    rows = comparison["rows"]
    changed = [row for row in rows if row["outcome"] != "same"]
    lines = [f"against {comparison['baseline']}: {comparison['regressions']} regressions"]
    lines[0] += f" in {len(rows)} measures; {len(rows) - len(changed)} within their tolerance"
    lines += [f"  warning: {warning}" for warning in comparison["warnings"]]
    if changed:
        lines.append(f"{'measure':<46}{'old':>11}{'new':>11}{'allowed':>11}  unit")
    for row in changed:
        cells = "".join(f"{number(row[key]):>11}" for key in ("old", "new", "tolerance"))
        told = f"{row['unit']}  {row['outcome']} (allowed: {row['why']})"
        lines.append(f"{row['name']:<46}{cells}  {told}")
    return "\n".join(lines)


def _row(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    was, now = old["median"], new.get("median")
    allowed, why = tolerance(name, old)
    outcome = "gone"
    if now is not None:
        worse = now - was if old["better"] == "lower" else was - now
        outcome = "regression" if worse > allowed else "improved" if -worse > allowed else "same"
    return {
        "name": name,
        "unit": old["unit"],
        "old": was,
        "new": now,
        "tolerance": allowed,
        "why": why,
        "outcome": outcome,
    }
