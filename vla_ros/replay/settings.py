"""What a replay is asked to do, in every mode."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MODES = ("live", "sweep", "lockstep")


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """One replay, as the command line asks for it.

    Attributes:
        bag: the recorded run whose inputs are played.
        output_dir: where replay.json and a folder for each run go; must not hold a replay yet.
        mode: one of MODES.
        checkpoint: a checkpoint folder, or "embedded".
        head: which expert acts, "regression" or "flow".
        use_sensor, use_robot_states: whether they are inputs.
        rate: 2.0 plays twice as fast; live mode.
        loop: begin again at the end, until `duration_s` is over.
        duration_s: play for so long; 0: the bag once. Of a sweep, the length of a short run.
        repeats: runs of the same thing.
        profiler_cost: also run with a profiler that records nothing, in turn.
        confirm_s: length of a sweep's confirming runs.
        sweeps: what a sweep varies, of "camera" and "command".
        baseline: replay.json of an earlier replay to compare with.
        params_file: YAML of the nodes' parameters; None: the package's own.
        launch_arguments: more arguments of realtime.launch.py, by name.
    """

    bag: Path
    output_dir: Path
    mode: str = "live"
    checkpoint: str = "embedded"
    head: str = "regression"
    use_sensor: bool = True
    use_robot_states: bool = True
    rate: float = 1.0
    loop: bool = False
    duration_s: float = 0.0
    repeats: int = 5
    profiler_cost: bool = False
    confirm_s: float = 30.0
    sweeps: tuple[str, ...] = ("camera", "command")
    baseline: Path | None = None
    params_file: Path | None = None
    launch_arguments: Mapping[str, str] = field(default_factory=dict)
