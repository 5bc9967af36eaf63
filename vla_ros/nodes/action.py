"""Fuses the newest features with the newest sensor window and robot states, ten times a second."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from rclpy.node import Node

from vla_ros.core.errors import MessageError
from vla_ros.core.grid import Tick, TickGrid
from vla_ros.core.inputs import Features, Snapshot
from vla_ros.core.latency import StageTimer
from vla_ros.core.safety import Mode, judge
from vla_ros.core.time import JumpDetector, Now, Seen
from vla_ros.models.embedded import resolve_checkpoint
from vla_ros.models.policy import load_actor
from vla_ros.msg import ActionChunk, VlFeatures
from vla_ros.ros import qos
from vla_ros.ros.age_params import AgeParams
from vla_ros.ros.convert import (
    chunk_message,
    from_octets,
    now,
    to_ns,
    to_stamp,
)
from vla_ros.ros.listeners import SENSOR_TYPES, Listener
from vla_ros.ros.params import declare, param
from vla_ros.ros.process import raise_priority
from vla_ros.ros.reporting import STEADY, Reporter
from vla_ros.ros.spin import run


@dataclass(frozen=True)
class ActionParams(AgeParams):
    """Parameters of the action node."""

    checkpoint: str = param("embedded", "checkpoint folder, or 'embedded'")
    action_head: str = param("regression", "which expert acts", choices=("regression", "flow"))
    use_sensor: bool = param(True, "whether the contact sensor is an input")
    use_robot_states: bool = param(True, "whether joint states and the tool's pose are inputs")
    device: str = param("auto", "where the model runs", choices=("auto", "cpu", "cuda"))
    threads: int = param(1, "CPU threads of the model; 0: torch's choice", low=0, high=256)
    seed: int = param(0, "seed of the flow head's noise", low=0, high=2**31)
    flow_solver: str = param("euler", "of the flow head", choices=("euler", "rk4"))
    flow_steps: int = param(0, "of the flow head; 0: the checkpoint's number", low=0, high=1000)
    compiled: str = param(
        "auto", "CUDA graphs or torch.compile; auto: on CUDA", choices=("auto", "on", "off")
    )
    rate_hz: float = param(10.0, "ticks a second", low=0.1, high=200.0)
    joints: tuple[str, ...] = param(
        tuple(f"joint_{number}" for number in range(1, 7)), "joint names, in the model's order"
    )
    sensor_type: str = param("samples", "message on sensor", choices=tuple(SENSOR_TYPES))
    frame_id: str = param("base_link", "frame of the actions")
    realtime_priority: int = param(10, "SCHED_FIFO level; 0: none", low=0, high=99)


class ActionNode(Node):
    """Ticks on a steady grid and never waits for anything."""

    def __init__(self) -> None:
        """Load the experts, then listen and tick."""
        super().__init__("action")
        self._params = params = declare(self, ActionParams)
        folder = resolve_checkpoint(params.checkpoint)
        self._actor = load_actor(
            folder,
            head=params.action_head,
            use_sensor=params.use_sensor,
            use_robot_states=params.use_robot_states,
            device=params.device,
            threads=params.threads,
            seed=params.seed,
            flow_solver=params.flow_solver,
            flow_steps=params.flow_steps,
            compiled=params.compiled,
        )
        self._limits = params.age_limits()
        self._inputs = self._actor.make_inputs(params.joints)
        self._grid, self._jump = TickGrid(params.rate_hz), JumpDetector()
        self._chunks = 0
        self._publisher = self.create_publisher(ActionChunk, "action_chunk", qos.CHUNK)
        self._reporter = Reporter(self, self._values)
        self._listener = Listener(self)
        self._listener.listen(VlFeatures, "features", self._on_features, qos.FEATURES)
        self._listener.listen_to_robot(self._inputs, self._actor.inputs, params.sensor_type)
        self._actor.warm_up()
        self.create_timer(1.0 / params.rate_hz, self._tick, clock=STEADY)
        raise_priority(self, params.realtime_priority)
        self.get_logger().info(f"ready: {folder} ({self._actor.model_id}), {params.action_head}")

    def _on_features(self, message: VlFeatures, seen: Seen) -> None:
        if message.model_id != self._actor.model_id:
            raise MessageError(
                f"features of model {message.model_id!r}; this is model {self._actor.model_id!r}"
            )
        data = from_octets(message.data, message.dtype, message.shape)
        self._actor.config.check_features(data.shape)
        stamps = tuple(Seen(to_ns(stamp), seen.arrived_ns) for stamp in message.view_stamps)
        views = tuple(message.views)
        self._inputs.put_features(Features(data, message.session, message.sequence, views, stamps))

    def _tick(self) -> None:
        timer, moment = StageTimer(), now(self)
        tick = self._grid.tick(moment.steady_ns)
        if self._jump.jumped(moment):
            self._inputs.clear()
        inputs = self._inputs.snapshot(moment)
        if inputs is None:
            missing = f"no {', '.join(self._inputs.missing())} yet"
            self._reporter.set_mode(Mode.HOLD if self._chunks else Mode.WAITING, missing)
            if not self._chunks:  # the grid begins with the first chunk
                self._grid = TickGrid(self._params.rate_hz)
            return
        result = self._actor.act(inputs.features.data, inputs.sensor, inputs.state)
        timer.stages += result.stages
        with timer("publish"):
            self._publish(tick, moment, inputs, result.chunk)
        trace_id = f"{inputs.features.session}:{inputs.features.sequence}/{tick.number}"
        self._reporter.latency(trace_id, tick.number, moment, timer.stages, self._grid.missed)

    def _publish(self, tick: Tick, moment: Now, inputs: Snapshot, chunk: NDArray[Any]) -> None:
        verdict = judge(inputs.features_age_s, inputs.stream_ages_s, self._limits)
        self._reporter.set_mode(verdict.mode, verdict.reason)
        message = chunk_message(inputs, chunk, self._actor.config.dt_s)
        message.header.stamp = to_stamp(moment.ros_ns)
        message.header.frame_id = self._params.frame_id
        message.tick = tick.number
        message.model_id = self._actor.model_id
        message.mode = int(verdict.mode)
        self._publisher.publish(message)
        self._chunks += 1

    def _values(self) -> Mapping[str, Any]:
        sensor = self._listener.sensor
        return {
            "rate_hz": self._params.rate_hz,
            "chunks": self._chunks,
            "missed_ticks": self._grid.missed,
            "refused_messages": self._listener.refused,
            "sensor.batches": sensor.batches,
            "sensor.samples": sensor.samples,
            "sensor.lost": sensor.lost,
            "model_id": self._actor.model_id,
        }


def main() -> int:
    """Run the action node."""
    return run(ActionNode)
