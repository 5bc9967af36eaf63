"""Replays a bag in lockstep: once for each latency trace, each as often as asked for."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vla_ros.core.errors import BagError, ParameterError
from vla_ros.core.time import NS
from vla_ros.data.bag_metadata import Qos
from vla_ros.data.bag_reader import BagReader, Record
from vla_ros.data.definitions import typestore
from vla_ros.data.recorder import Recorder
from vla_ros.models.checkpoint import open_checkpoint
from vla_ros.models.deterministic import make_deterministic
from vla_ros.models.embedded import resolve_checkpoint
from vla_ros.models.features import Encoder
from vla_ros.models.policy import Actor, load_actor
from vla_ros.models.vl_encoder import load_encoder
from vla_ros.replay.latency_trace import RECORDED, LatencyTrace, parse_traces
from vla_ros.replay.lockstep import Lockstep
from vla_ros.replay.lockstep_inputs import InputTopics, find_inputs, first_instruction
from vla_ros.replay.lockstep_messages import messages
from vla_ros.replay.lockstep_parameters import GraphParameters, read_parameters
from vla_ros.replay.lockstep_policy import RememberedEncoder
from vla_ros.replay.lockstep_recorded import Recorded, agreement, read_recorded
from vla_ros.replay.lockstep_results import arrays, combined, describe
from vla_ros.replay.lockstep_run import Run
from vla_ros.replay.lockstep_settings import LockstepSettings
from vla_ros.report.run_report import finish

SCHEMA = 1
RESULT = "lockstep.json"
ACTIONS = "actions.npz"
# A run's name, which of the repeats it is, and the virtual seconds so far.
Progress = Callable[[str, int, float], None]


def run_lockstep(
    settings: LockstepSettings, progress: Progress = lambda name, repeat, at_s: None
) -> dict[str, Any]:
    """Replay; write the runs' folders and lockstep.json, and return what is in it.

    Returns:
        The result; `unequal` says where a repeat gave other actions or commands than the first.

    Raises:
        ParameterError: a setting is out of range, or the output folder holds a replay.
        BagError: the bag cannot be read or lacks an input.
        CheckpointError: the checkpoint is not sound.
    """
    with BagReader(settings.bag) as bag:
        traces = parse_traces(settings.vl_latency_ms, bag)
        folders = _folders(settings.output_dir, traces)
        replay = _prepared(settings, bag, progress)
        runs = [replay.repeated(trace, 0) for trace in traces]
        for trace, run, folder in zip(traces, runs, folders, strict=True):
            _write(run, folder, replay, trace)
        result = replay.result(traces, runs, folders)
        for repeat in range(1, settings.repeats):
            replay.forget()
            again = [replay.repeated(trace, repeat) for trace in traces]
            result["unequal"] += _unequal(traces, runs, again, repeat)
    text = json.dumps(result, indent=1, allow_nan=False) + "\n"
    (settings.output_dir / RESULT).write_text(text)
    return result


@dataclass
class _Replay:
    """A bag and a policy, ready to be run."""

    settings: LockstepSettings
    bag: BagReader
    parameters: GraphParameters
    topics: InputTopics
    instruction: str
    encoder: Encoder
    folder: Path
    threads: int
    progress: Progress
    recorded: Recorded
    inputs_hash: str = ""

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Forget what was encoded."""
        views = tuple(self.topics.views.values())
        self.encode = RememberedEncoder(self.encoder, views, self.bag.decode)

    def repeated(self, trace: LatencyTrace, repeat: int) -> Run:
        """Run the whole bag once.

        Raises:
            BagError: not one tick had all inputs.
        """
        actor = self._actor()  # a new one: its noise begins anew
        joints = self.parameters.action.joints
        lockstep = Lockstep(
            self.topics,
            self.bag.decode,
            self.encode,
            actor,
            actor.make_inputs(joints),
            self.parameters,
            actor.config.dt_s,
            trace.durations_ns(),
            round(self.settings.action_latency_ms * 1e6),
            self.instruction,
            # All on one grid of ticks; with other latencies the encoder is ready at once.
            self.recorded if trace.name == RECORDED else replace(self.recorded, ready_ns=0),
        )
        run = lockstep.run(self._records(trace.name, repeat))
        if not run.ticks:
            reasons = [*(f"no {name} came" for name in run.missing), *run.refused]
            raise BagError(f"{self.bag.path}: not one tick had all inputs; {'; '.join(reasons)}")
        return run

    def result(
        self, traces: list[LatencyTrace], runs: list[Run], folders: list[Path]
    ) -> dict[str, Any]:
        """Return what is told about all runs."""
        described = [
            {
                "vl_latency_ms": trace.value,
                "folder": str(folder),
                **describe(run, runs[0]),
                **self._agreement(trace, run),
            }
            for trace, run, folder in zip(traces, runs, folders, strict=True)
        ]
        settings = self.settings
        return {
            "schema": SCHEMA,
            "action_hash": combined([one["action_hash"] for one in described]),
            "command_hash": combined([one["command_hash"] for one in described]),
            "mode": "lockstep",
            "runs": described,
            "repeats": settings.repeats,
            "unequal": [],
            "encodes_computed": self.encode.computed,
            "encodes_reused": self.encode.reused,
            "model_id": self.encoder.model_id,
            "checkpoint": str(self.folder),
            "head": settings.head,
            "use_sensor": settings.use_sensor,
            "use_robot_states": settings.use_robot_states,
            "views": list(self.topics.views.values()),
            "instruction": self.instruction,
            "encode_rate_hz": self.parameters.encoder.rate_hz,
            "action_latency_ms": settings.action_latency_ms,
            "bag": str(self.bag.path),
            "bag_hash": self.inputs_hash,
            "bag_note": self.bag.note,
            "seconds": (runs[0].end_ns - runs[0].start_ns) / NS,
            "device": str(self.encoder.device),
            "dtype": str(self.encoder.dtype).removeprefix("torch."),
            "threads": self.threads,
            "seed": settings.seed,
        }

    def _agreement(self, trace: LatencyTrace, run: Run) -> dict[str, Any]:
        """Return how a replay of the bag's own latencies compares with what was recorded."""
        if trace.name != RECORDED or not self.recorded.chunks:
            return {}
        period_ns = round(NS / self.parameters.action.rate_hz)
        return {"recorded_chunks": agreement(run, self.recorded, period_ns)}

    def _actor(self) -> Actor:
        settings, action = self.settings, self.parameters.action
        actor = load_actor(
            self.folder,
            head=settings.head,
            use_sensor=settings.use_sensor,
            use_robot_states=settings.use_robot_states,
            device=settings.device,
            seed=settings.seed,
            threads=self.threads,
            flow_solver=action.flow_solver,
            flow_steps=action.flow_steps,
        )
        actor.warm_up()
        return actor

    def _records(self, name: str, repeat: int) -> Iterator[Record]:
        """Yield the inputs, tell how far they are, and hash them all the first time."""
        begun = f"{self.recorded.ready_ns} {self.recorded.tick_ns} ".encode()
        digest = None if self.inputs_hash else hashlib.sha256(begun)
        start_ns: int | None = None
        for record in self.bag.messages(self.topics.all()):
            start_ns = record.log_ns if start_ns is None else start_ns
            at_s = (record.log_ns - start_ns) / NS
            if self.settings.max_seconds and at_s > self.settings.max_seconds:
                break
            if digest is not None:
                digest.update(f"{record.topic} {record.msgtype} {record.log_ns} ".encode())
                digest.update(record.data)
            self.progress(name, repeat, at_s)
            yield record
        if digest is not None:
            self.inputs_hash = digest.hexdigest()


def _prepared(settings: LockstepSettings, bag: BagReader, progress: Progress) -> _Replay:
    """Check everything that can be before a model is loaded, then load it."""
    parameters = read_parameters(settings.params_file, bag.custom)
    if settings.rate_hz is not None:
        faster = replace(parameters.encoder, rate_hz=settings.rate_hz)
        parameters = replace(parameters, encoder=faster)
    threads = make_deterministic(settings.seed, settings.threads)
    folder = resolve_checkpoint(settings.checkpoint)
    switches = {"sensor": settings.use_sensor, "robot_states": settings.use_robot_states}
    used = tuple(name for name, use in switches.items() if use)
    most_views = len(open_checkpoint(folder).config.views)
    topics = find_inputs(bag, used, settings.views, most_views, settings.topics)
    encoder = load_encoder(folder, device=settings.device, threads=threads, compiled="off")
    return _Replay(
        settings=settings,
        bag=bag,
        parameters=parameters,
        topics=topics,
        instruction=settings.instruction or first_instruction(bag, parameters.encoder.instruction),
        encoder=encoder,
        folder=folder,
        threads=threads,
        progress=progress,
        recorded=read_recorded(bag),
    )


def _folders(output_dir: Path, traces: list[LatencyTrace]) -> list[Path]:
    """Return a folder for each run; none of them is there yet."""
    folders = [output_dir / trace.name for trace in traces]
    for path in (output_dir / RESULT, *folders):
        if path.exists():
            raise ParameterError(f"{path} exists already; give an --output-dir without a replay")
    return folders


def _write(run: Run, folder: Path, replay: _Replay, trace: LatencyTrace) -> None:
    """Write a run's folder: the bag, the report, and all actions in actions.npz."""
    folder.mkdir(parents=True)
    np.savez_compressed(folder / ACTIONS, **arrays(run))  # type: ignore[arg-type]
    arguments = {**asdict(replay.settings), "vl_latency_ms": trace.value}
    configuration = {
        "arguments": {name: str(value) for name, value in arguments.items()},
        "parameters": asdict(replay.parameters),
    }
    recorder = Recorder(folder, configuration=json.dumps(configuration))
    frame_id, dt_s = replay.parameters.command.frame_id, replay.encoder.config.dt_s
    for sent in messages(run, replay.encoder.model_id, frame_id, dt_s):
        latched = sent.topic in ("/features", "/instruction")
        recorder.add_topic(sent.topic, sent.msgtype, Qos(latched=latched))
        data = bytes(typestore().serialize_cdr(sent.message, sent.msgtype))
        recorder.receive(sent.topic, sent.msgtype, data, sent.at_ns)
    finish(recorder, folder)


def _unequal(
    traces: list[LatencyTrace], runs: list[Run], again: list[Run], repeat: int
) -> Iterator[str]:
    """Say what a repeat gave that is not what the first run gave."""
    for trace, one, other in zip(traces, runs, again, strict=True):
        first, second = describe(one, one), describe(other, one)
        for name in ("action_hash", "command_hash"):
            if first[name] != second[name]:
                yield (
                    f"repeat {repeat + 1} of {trace.name}: {name} is {second[name]}, but was "
                    f"{first[name]} at first; equal ones are wanted "
                    f"(actions: {second['action_difference']})"
                )
