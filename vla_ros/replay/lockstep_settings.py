"""What a lockstep replay is asked to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LockstepSettings:
    """One lockstep replay, as the command line asks for it.

    Attributes:
        bag: the recorded run.
        output_dir: where lockstep.json and a folder for each run go; must not hold a replay yet.
        vl_latency_ms: latency traces, see `latency_trace.parse_traces`.
        action_latency_ms: how long after its tick a chunk is there.
        checkpoint: a checkpoint folder, or "embedded".
        head: which expert acts, "regression" or "flow".
        use_sensor, use_robot_states: whether they are inputs.
        views: how many cameras; 0: as many as the bag has and the checkpoint takes.
        topics: topics by their role, for other names, see `lockstep_inputs.find_inputs`.
        instruction: what to do; empty: what the bag's first features were made for.
        rate_hz: encodes a second, 0: as fast as it goes; None: as the parameters say.
        params_file: YAML of the nodes' parameters; None: the recorded ones, else the package's.
        max_seconds: so much of the bag only; 0: all.
        repeats: runs of the same thing; their hashes must be equal.
        device: where the policy runs: auto, cpu or cuda.
        seed: of the flow head's noise.
        threads: of torch; 0: one for each core of the machine.
    """

    bag: Path
    output_dir: Path
    vl_latency_ms: str = "recorded"
    action_latency_ms: float = 0.0
    checkpoint: str = "embedded"
    head: str = "regression"
    use_sensor: bool = True
    use_robot_states: bool = True
    views: int = 0
    topics: Mapping[str, str] = field(default_factory=dict)
    instruction: str = ""
    rate_hz: float | None = None
    params_file: Path | None = None
    max_seconds: float = 0.0
    repeats: int = 1
    device: str = "auto"
    seed: int = 0
    threads: int = 0
