"""A lockstep replay as the messages that the graph would have sent, in virtual time."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from vla_ros.core.latency import Stage
from vla_ros.core.safety import Mode
from vla_ros.core.time import NS
from vla_ros.data.definitions import typestore
from vla_ros.models.features import EncodedFeatures
from vla_ros.replay.lockstep_run import SESSION, CommandDone, EncodeDone, Run, TickDone

# Levels of a DiagnosticStatus: ok, warning, error, stale.
_LEVELS = {Mode.RUNNING: 0, Mode.SLOWED: 1, Mode.HOLD: 2, Mode.WAITING: 3}


class Sent(NamedTuple):
    """A message, and when it was sent [ns]."""

    at_ns: int
    topic: str
    msgtype: str
    message: Any


def messages(run: Run, model_id: str, frame_id: str, dt_s: float) -> list[Sent]:
    """Return all messages in their order.

    Args:
        run: what happened.
        model_id: of the checkpoint.
        frame_id: of chunks and commands.
        dt_s: from one action of a chunk to the next [s].
    """
    sent = [_text(at_ns, text) for at_ns, text in run.instructions]
    for encode in run.encodes:
        sent += _features(encode, model_id)
    for tick in run.ticks:
        sent += _chunk(tick, model_id, frame_id, dt_s)
    for done in run.commands:
        sent.append(_command(done, frame_id))
    sent += _first_commands(run)
    sent += _modes("action", ((tick.stamp_ns, tick.verdict) for tick in run.ticks))
    sent += _modes("command", ((done.stamp_ns, done.command.verdict) for done in run.commands))
    sent.append(_encoder_counts(run, model_id))
    return sorted(sent, key=lambda one: one.at_ns)  # stable: equal times keep this order


def _make(msgtype: str, **fields: Any) -> Any:
    return typestore().types[msgtype](**fields)


def _time(ns: int) -> Any:
    seconds, nanoseconds = divmod(ns, NS)
    return _make("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)


def _header(ns: int, frame_id: str = "") -> Any:
    return _make("std_msgs/msg/Header", stamp=_time(ns), frame_id=frame_id)


def _text(at_ns: int, text: str) -> Sent:
    kind = "std_msgs/msg/String"
    return Sent(at_ns, "/instruction", kind, _make(kind, data=text))


def _features(done: EncodeDone, model_id: str) -> list[Sent]:
    """Return the features without their data, and the latency."""
    kind, encoded = "vla_ros/msg/VlFeatures", done.encoded
    message = _make(
        kind,
        header=_header(min(encoded.view_stamps_ns)),
        sequence=done.sequence,
        session=SESSION,
        model_id=model_id,
        instruction=done.instruction,
        dtype=str(encoded.data.dtype),
        shape=np.array(encoded.data.shape, np.uint32),
        data=np.empty(0, np.uint8),
        views=list(done.views),
        view_stamps=[_time(stamp_ns) for stamp_ns in encoded.view_stamps_ns],
        **_proof(encoded),
    )
    took_ns = done.arrived_ns - done.chosen_ns
    stages = [*done.arrival, Stage("encode", done.chosen_ns, took_ns)]
    trace_id = f"{SESSION}:{done.sequence}"
    latency = _latency("vl_encoder", trace_id, done.sequence, done.chosen_ns, stages)
    return [Sent(done.arrived_ns, "/features", kind, message), _sent(done.arrived_ns, latency)]


def _proof(encoded: EncodedFeatures) -> dict[str, Any]:
    return {
        "view_tokens": np.asarray(encoded.view_tokens, np.uint32),
        "image_grid_thw": np.ravel(encoded.image_grid_thw).astype(np.uint32),
        "total_tokens": encoded.total_tokens,
    }


def _chunk(tick: TickDone, model_id: str, frame_id: str, dt_s: float) -> list[Sent]:
    kind = "vla_ros/msg/ActionChunk"
    numbers = {
        name: np.array(value, np.float64) if name.startswith("view_") else value
        for name, value in tick.ledger.items()
    }
    message = _make(
        kind,
        header=_header(tick.stamp_ns, frame_id),
        tick=tick.number,
        model_id=model_id,
        mode=int(tick.verdict.mode),
        horizon=tick.chunk.shape[0],
        dim=tick.chunk.shape[1],
        dt_s=dt_s,
        data=np.ravel(tick.chunk),
        **numbers,
    )
    stages = [Stage("action", tick.stamp_ns, tick.arrived_ns - tick.stamp_ns)]
    latency = _latency("action", _trace_id(tick), tick.number, tick.stamp_ns, stages)
    return [Sent(tick.arrived_ns, "/action_chunk", kind, message), _sent(tick.arrived_ns, latency)]


def _command(done: CommandDone, frame_id: str) -> Sent:
    kind = "geometry_msgs/msg/TwistStamped"
    x, y, z, turn_x, turn_y, turn_z = map(float, done.command.velocity)
    vector = "geometry_msgs/msg/Vector3"
    twist = _make(
        "geometry_msgs/msg/Twist",
        linear=_make(vector, x=x, y=y, z=z),
        angular=_make(vector, x=turn_x, y=turn_y, z=turn_z),
    )
    message = _make(kind, header=_header(done.stamp_ns, frame_id), twist=twist)
    return Sent(done.stamp_ns, "/command", kind, message)


def _first_commands(run: Run) -> Iterator[Sent]:
    """Yield the way from capture to command of each chunk that was played."""
    waiting, unplayed, played = iter(run.ticks), None, 0
    following = next(waiting, None)
    for done in run.commands:
        while following is not None and following.arrived_ns <= done.stamp_ns:
            unplayed, following = following, next(waiting, None)
        if unplayed is None or done.command.verdict.scale <= 0.0:
            continue
        played += 1
        stages = []
        for name, key in (("camera", "features_age_s"), ("sensor", "sensor_age_s")):
            if math.isfinite(unplayed.ledger[key]):
                at_ns = unplayed.stamp_ns - int(unplayed.ledger[key] * NS)
                stages.append(Stage(f"{name}_to_command", at_ns, done.stamp_ns - at_ns))
        latency = _latency("command", _trace_id(unplayed), played, done.stamp_ns, stages)
        unplayed = None
        yield _sent(done.stamp_ns, latency)


def _trace_id(tick: TickDone) -> str:
    return f"{SESSION}:{tick.ledger['features_sequence']}/{tick.number}"


def _latency(node: str, trace_id: str, cycle: int, start_ns: int, stages: Sequence[Stage]) -> Any:
    return _make(
        "vla_ros/msg/StageLatency",
        header=_header(start_ns),
        node=node,
        trace_id=trace_id,
        cycle=cycle,
        missed=0,
        stages=[stage.name for stage in stages],
        start_ms=np.array([(stage.start_ns - start_ns) / 1e6 for stage in stages]),
        duration_ms=np.array([stage.duration_ns / 1e6 for stage in stages]),
    )


def _sent(at_ns: int, latency: Any) -> Sent:
    return Sent(at_ns, "/latency", "vla_ros/msg/StageLatency", latency)


def _modes(node: str, verdicts: Iterable[tuple[int, Any]]) -> Iterator[Sent]:
    """Yield each change of a node's mode with its reason."""
    before = None
    for at_ns, verdict in verdicts:
        if (verdict.mode, verdict.reason) != before:
            before = verdict.mode, verdict.reason
            values = {"mode": verdict.mode.name, "reason": verdict.reason}
            yield _status(at_ns, node, _LEVELS[verdict.mode], verdict.reason, values)


def _encoder_counts(run: Run, model_id: str) -> Sent:
    values: dict[str, Any] = {"encodes": len(run.encodes), "model_id": model_id}
    for view, count in run.cameras.items():
        values |= {f"{view}.received": count.received, f"{view}.lost": count.lost}
        values[f"{view}.used"] = count.used
    return _status(run.end_ns, "vl_encoder", 0, "encodes in virtual time", values)


def _status(at_ns: int, name: str, level: int, text: str, values: Mapping[str, Any]) -> Sent:
    kind = "diagnostic_msgs/msg/DiagnosticArray"
    status = _make(
        "diagnostic_msgs/msg/DiagnosticStatus",
        level=level,
        name=name,
        message=text,
        hardware_id="vla_ros",
        values=[
            _make("diagnostic_msgs/msg/KeyValue", key=key, value=str(value))
            for key, value in values.items()
        ],
    )
    return Sent(at_ns, "/diagnostics", kind, _make(kind, header=_header(at_ns), status=[status]))
