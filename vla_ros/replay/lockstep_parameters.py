"""The parameters of the nodes that a lockstep replay stands in for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from vla_ros.core.errors import ParameterError
from vla_ros.core.safety import AgeLimits, MotionLimits
from vla_ros.data.share import share_file

Node = TypeVar("Node", "Encoder", "Action", "Command")


@dataclass(frozen=True, slots=True)
class Encoder:
    """Parameters of vl_encoder, by their names there."""

    rate_hz: float = 1.0
    slop_s: float = 0.05
    max_age_s: float = 1.0
    min_views: int = 0
    instruction: str = "insert the needle into the blue point"


@dataclass(frozen=True, slots=True)
class _Ages:
    features_soft_s: float = 3.0
    features_hard_s: float = 5.0
    sensor_timeout_s: float = 0.3
    state_timeout_s: float = 0.3

    def age_limits(self) -> AgeLimits:
        """Return the limits of the ages.

        Raises:
            ParameterError: the soft limit is not below the hard one.
        """
        return AgeLimits(
            self.features_soft_s, self.features_hard_s, self.sensor_timeout_s, self.state_timeout_s
        )


@dataclass(frozen=True, slots=True)
class Action(_Ages):
    """Parameters of the action node."""

    rate_hz: float = 10.0
    flow_solver: str = "euler"
    flow_steps: int = 0
    joints: tuple[str, ...] = tuple(f"joint_{number}" for number in range(1, 7))


@dataclass(frozen=True, slots=True)
class Command(_Ages):
    """Parameters of the command node."""

    rate_hz: float = 50.0
    frame_id: str = "base_link"
    max_linear: float = 0.10
    max_angular: float = 1.0
    max_linear_acceleration: float = 1.0
    max_angular_acceleration: float = 10.0
    workspace_low: tuple[float, ...] = (-0.5, -0.5, 0.0)
    workspace_high: tuple[float, ...] = (0.5, 0.5, 0.6)
    chunk_timeout_s: float = 0.2

    def motion_limits(self) -> MotionLimits:
        """Return the limits of the tool's motion."""
        return MotionLimits(
            self.max_linear,
            self.max_angular,
            self.max_linear_acceleration,
            self.max_angular_acceleration,
            self.workspace_low,
            self.workspace_high,
        )


@dataclass(frozen=True, slots=True)
class GraphParameters:
    """Parameters of the three nodes."""

    encoder: Encoder = field(default_factory=Encoder)
    action: Action = field(default_factory=Action)
    command: Command = field(default_factory=Command)


def read_parameters(path: Path | None, custom: Mapping[str, str]) -> GraphParameters:
    """Return the nodes' parameters: of a file, else of the recording, else the package's own.

    Args:
        path: YAML as `ros2 run --params-file` takes it.
        custom: the texts that a bag's recorder kept; `configuration` has the recorded run's.

    Raises:
        ParameterError: the file cannot be read, or a value is not of its parameter's type.
    """
    if path is None and (recorded := _recorded(custom)):
        return _parameters(recorded)
    path = path or share_file("config/realtime.yaml")
    try:
        given = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParameterError(f"{path} cannot be read as parameters in YAML: {error}") from error
    return _parameters(given)


def _recorded(custom: Mapping[str, str]) -> Any:
    text = custom.get("configuration") or "{}"
    try:
        return json.loads(text).get("parameters")
    except (ValueError, AttributeError) as error:
        raise ParameterError(
            f"the bag's configuration is {text[:80]!r}, no JSON object; --params-file names another"
        ) from error


def _parameters(given: Any) -> GraphParameters:
    if not isinstance(given, Mapping):
        raise ParameterError(f"parameters are {given!r}; nodes with ros__parameters are allowed")
    return GraphParameters(
        _filled(Encoder(), "vl_encoder", given),
        _filled(Action(), "action", given),
        _filled(Command(), "command", given),
    )


def _filled(node: Node, name: str, given: Mapping[str, Any]) -> Node:
    """Return the node's parameters with those given for its name, or for all (`/**`)."""
    known = {one.name: type(getattr(node, one.name)) for one in fields(node)}
    values: dict[str, Any] = {}
    try:
        for key, entry in given.items():
            if str(key).rpartition("/")[2] in (name, "**"):
                # A file has them one level deeper than a recording.
                values |= dict(entry.get("ros__parameters", entry))
        return replace(node, **{k: known[k](v) for k, v in values.items() if k in known})
    except (AttributeError, TypeError, ValueError) as error:
        raise ParameterError(
            f"parameters of {name}: {error!r}; ros__parameters of the node's own types are allowed"
        ) from error
