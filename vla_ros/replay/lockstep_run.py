"""What happens in a lockstep replay."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.controller import Command
from vla_ros.core.framesets import ViewCounts
from vla_ros.core.latency import Stage
from vla_ros.core.safety import Verdict
from vla_ros.models.features import EncodedFeatures

SESSION = "lockstep"  # of the features


@dataclass(frozen=True, slots=True)
class EncodeDone:
    """Features that reached the action side."""

    sequence: int
    chosen_ns: int
    arrived_ns: int
    views: tuple[str, ...]
    instruction: str
    arrival: list[Stage]  # transport and sync
    encoded: EncodedFeatures


@dataclass(frozen=True, slots=True)
class TickDone:
    """A chunk that reached the command side."""

    number: int
    stamp_ns: int
    arrived_ns: int
    chunk: NDArray[np.float32]  # (horizon, dim)
    verdict: Verdict
    ledger: Mapping[str, Any]  # fields of vla_ros/ActionChunk


@dataclass(frozen=True, slots=True)
class CommandDone:
    """What the robot would have been told."""

    stamp_ns: int
    command: Command


@dataclass(slots=True)
class Run:
    """Everything that happened, in the order of the virtual time."""

    start_ns: int = 0
    end_ns: int = 0
    instructions: list[tuple[int, str]] = field(default_factory=list)
    encodes: list[EncodeDone] = field(default_factory=list)
    ticks: list[TickDone] = field(default_factory=list)
    commands: list[CommandDone] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)  # reasons
    missing: list[str] = field(default_factory=list)  # inputs that had not come at the end
    cameras: Mapping[str, ViewCounts] = field(default_factory=dict)
