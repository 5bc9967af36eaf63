"""A lockstep replay beside an older one: are the actions still the same?"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vla_ros.core.errors import ParameterError

# What explains other actions.
_REASONS = (
    *("bag_hash", "seconds", "model_id", "head", "use_sensor", "use_robot_states", "views"),
    *("instruction", "encode_rate_hz", "action_latency_ms", "seed", "device", "dtype", "threads"),
)


def load_baseline(path: Path) -> dict[str, Any]:
    """Return what an older replay wrote as lockstep.json.

    Raises:
        ParameterError: it is none.
    """
    try:
        result = json.loads(path.read_text())
        sound = result["mode"] == "lockstep" and result["runs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"baseline is {path}, no lockstep.json ({error!r})") from error
    if not sound:
        raise ParameterError(f"baseline is {path}, of mode {result['mode']}; lockstep is allowed")
    if result.get("unequal"):
        raise ParameterError(f"baseline is {path}, whose repeats differ; equal ones are allowed")
    return dict(result)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say which runs of both give other actions or commands than before, and what else changed."""
    before = {run["vl_latency_ms"]: run for run in old["runs"]}
    common = [run for run in new["runs"] if run["vl_latency_ms"] in before]
    if not common:
        return [f"the baseline has no run of the same vl_latency_ms; it has {[*before]}"]
    found = [
        f"at {run['vl_latency_ms']}: {name} is {run[name]}, was {then}"
        for run in common
        for name in ("action_hash", "command_hash")
        if run[name] != (then := before[run["vl_latency_ms"]][name])
    ]
    if found:
        found += [
            f"{name} is {new.get(name)!r}, was {old.get(name)!r}"
            for name in _REASONS
            if new.get(name) != old.get(name)
        ]
    return found
