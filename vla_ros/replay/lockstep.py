"""The graph in virtual time: what a policy does with a recorded run's inputs, without a clock.

A discrete-event simulation. Messages come at the times at which the bag received them; the
encoder, the action node and the command node follow the rules of the real ones; only how long
things take is given from outside. At one instant the order is: messages as the bag has them,
features that arrive, the start of an encode, a tick, the chunk that arrives, a command.

The robot's states are the recorded ones: they do not follow what the policy would have done.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.chunks import Chunk
from vla_ros.core.controller import Ages, CommandController
from vla_ros.core.encode_loop import EncodeSchedule
from vla_ros.core.errors import BagError, MessageError
from vla_ros.core.framesets import FrameMatcher, FrameSet, arrival_stages
from vla_ros.core.grid import TickGrid
from vla_ros.core.inputs import Features, PolicyInputs, Snapshot
from vla_ros.core.readings import pose_row, sensor_block, to_ns
from vla_ros.core.safety import Mode, judge
from vla_ros.core.time import NS, Now, Seen
from vla_ros.data import cdr
from vla_ros.data.bag_reader import Record
from vla_ros.models.features import EncodedFeatures
from vla_ros.models.policy import ActionResult
from vla_ros.replay.lockstep_agenda import Agenda, Order
from vla_ros.replay.lockstep_inputs import InputTopics
from vla_ros.replay.lockstep_parameters import GraphParameters
from vla_ros.replay.lockstep_recorded import Recorded
from vla_ros.replay.lockstep_run import SESSION, CommandDone, EncodeDone, Run, TickDone


class Encode(Protocol):
    """Computes the features of a set of image messages."""

    def __call__(self, frames: FrameSet[Record], instruction: str) -> EncodedFeatures:
        """Return the features, or raise MessageError for an image that is not one."""


class Policy(Protocol):
    """The action side of a policy, see `models.policy.Actor`."""

    def act(
        self,
        features: NDArray[np.float32],
        sensor: NDArray[np.float32] | None = None,
        state: NDArray[np.float32] | None = None,
    ) -> ActionResult:
        """Return a chunk of actions."""


class Lockstep:
    """One pass over a bag; make a new one for each."""

    def __init__(
        self,
        topics: InputTopics,
        decode: Callable[[Record], Any],
        encode: Encode,
        policy: Policy,
        inputs: PolicyInputs,
        parameters: GraphParameters,
        dt_s: float,
        latencies_ns: Iterator[int],
        action_latency_ns: int = 0,
        instruction: str = "",
        recorded: Recorded | None = None,
    ) -> None:
        """Put the graph together.

        Args:
            topics: the inputs.
            decode: makes a message of a record, or raises BagError.
            encode: the encoder.
            policy: the action side.
            inputs: empty ones of that policy.
            parameters: of the nodes.
            dt_s: from one action of a chunk to the next [s].
            latencies_ns: how long each encode takes, one after the other.
            action_latency_ns: how long after its tick a chunk is there.
            instruction: what to do until a message says something else.
            recorded: begin to encode and place the ticks as that run did; else at the start.
        """
        self._done = Run()
        self._decode, self._encode, self._policy = decode, encode, policy
        self._inputs, self._parameters, self._dt_s = inputs, parameters, dt_s
        self._latencies_ns, self._action_latency_ns = latencies_ns, action_latency_ns
        encoder, views = parameters.encoder, tuple(topics.views.values())
        matcher: FrameMatcher[Record] = FrameMatcher(
            views, encoder.slop_s, encoder.min_views or len(views), encoder.max_age_s
        )
        self._done.cameras = matcher.counts
        self._schedule = EncodeSchedule(matcher, encoder.rate_hz)
        self._schedule.instruct(instruction)
        self._first_instruction = instruction
        self._recorded = recorded or Recorded()
        self._encoding = False
        self._wake_ns = -1
        self._limits = parameters.action.age_limits()
        self._grid = TickGrid(parameters.action.rate_hz)
        command = parameters.command
        self._controller = CommandController(
            command.age_limits(), command.motion_limits(), command.chunk_timeout_s
        )
        self._position: tuple[Seen, NDArray[np.float64]] | None = None
        self._take = self._takers(topics)
        self._agenda = Agenda()

    def run(self, records: Iterable[Record]) -> Run:
        """Take the records of the inputs, in the order of their receipt; return what happened."""
        done = self._done
        for record in records:
            if not done.instructions:
                self._start(record.log_ns)
            self._agenda.until(max(record.log_ns, self._agenda.now_ns))
            try:
                self._take[record.topic](record)
            except (MessageError, BagError) as error:
                done.refused[f"{record.topic}: {error}"] += 1
        self._agenda.until(self._agenda.now_ns + 1)
        done.end_ns = self._agenda.now_ns - 1
        done.missing = self._inputs.missing()
        return done

    @property
    def _now(self) -> Now:
        return Now(self._agenda.now_ns, self._agenda.now_ns)

    def _start(self, now_ns: int) -> None:
        self._agenda.now_ns = self._done.start_ns = now_ns
        self._done.instructions.append((now_ns, self._first_instruction))
        ahead_ns = ((self._recorded.tick_ns or now_ns) - now_ns) % self._grid.period_ns
        self._agenda.at(now_ns + ahead_ns, Order.TICK, self._tick)
        self._agenda.at(now_ns, Order.COMMAND, self._command)
        if self._recorded.ready_ns > now_ns:
            self._encoding = True
            self._agenda.at(self._recorded.ready_ns, Order.ENCODE, self._next_encode)

    # What messages bring.

    def _takers(self, topics: InputTopics) -> dict[str, Callable[[Record], None]]:
        others = {
            topics.sensor: self._take_sensor,
            topics.joint_states: self._take_joints,
            topics.ee_pose: self._take_pose,
            topics.instruction: self._take_instruction,
        }
        images = {t: partial(self._take_image, view) for t, view in topics.views.items()}
        return {**others, **images}

    def _take_image(self, view: str, record: Record) -> None:
        seen = Seen(cdr.stamp_ns(record.data), self._agenda.now_ns)
        self._schedule.put(view, seen, record)
        self._agenda.at(self._agenda.now_ns, Order.ENCODE, self._start_encode)

    def _take_instruction(self, record: Record) -> None:
        text = self._decode(record).data
        if self._schedule.instruct(text):
            self._done.instructions.append((self._agenda.now_ns, text))
            self._agenda.at(self._agenda.now_ns, Order.ENCODE, self._start_encode)

    def _take_sensor(self, record: Record) -> None:
        self._inputs.put_sensor(*sensor_block(self._decode(record)), self._agenda.now_ns)

    def _take_joints(self, record: Record) -> None:
        message = self._decode(record)
        seen = Seen(to_ns(message.header.stamp), self._agenda.now_ns)
        self._inputs.put_joints(dict(zip(message.name, message.position, strict=False)), seen)

    def _take_pose(self, record: Record) -> None:
        message = self._decode(record)
        seen = Seen(to_ns(message.header.stamp), self._agenda.now_ns)
        place = message.pose.position
        position = np.array([place.x, place.y, place.z])
        if np.isfinite(position).all():
            self._position = seen, position
        self._inputs.put_pose(pose_row(message), seen)

    # The encoder.

    def _next_encode(self) -> None:
        self._encoding = False
        self._start_encode()

    def _start_encode(self) -> None:
        if self._encoding:
            return
        job = self._schedule.take(self._now)
        if job is None:
            self._wake_when_due()
            return
        frames, instruction = job
        try:
            encoded = self._encode(frames, instruction)
        except MessageError as error:
            self._done.refused[f"encode: {error}"] += 1
            self._wake_when_due()
            return
        self._encoding = True
        arrived_ns = self._agenda.now_ns + next(self._latencies_ns)
        done = EncodeDone(
            sequence=len(self._done.encodes) + 1,
            chosen_ns=self._agenda.now_ns,
            arrived_ns=arrived_ns,
            views=frames.views,
            instruction=instruction,
            arrival=arrival_stages(frames, self._now),
            encoded=encoded,
        )
        self._agenda.at(arrived_ns, Order.FEATURES, partial(self._take_features, done))

    def _wake_when_due(self) -> None:
        wait_ns = self._schedule.wait_ns(self._now)
        if wait_ns is not None and self._agenda.now_ns + wait_ns != self._wake_ns:
            self._wake_ns = self._agenda.now_ns + wait_ns
            self._agenda.at(self._wake_ns, Order.ENCODE, self._start_encode)

    def _take_features(self, done: EncodeDone) -> None:
        self._encoding = False
        self._done.encodes.append(done)
        seen = tuple(
            Seen(stamp_ns, self._agenda.now_ns) for stamp_ns in done.encoded.view_stamps_ns
        )
        self._inputs.put_features(
            Features(done.encoded.data, SESSION, done.sequence, done.views, seen)
        )
        self._agenda.at(self._agenda.now_ns, Order.ENCODE, self._start_encode)

    # The action node.

    def _tick(self) -> None:
        self._agenda.at(self._agenda.now_ns + self._grid.period_ns, Order.TICK, self._tick)
        inputs = self._inputs.snapshot(self._now)
        if inputs is None:
            return
        # The grid's numbers begin with the first chunk.
        done = self._acted(self._grid.tick(self._agenda.now_ns).number, inputs)
        self._done.ticks.append(done)
        self._agenda.at(done.arrived_ns, Order.CHUNK, partial(self._take_chunk, done))

    def _acted(self, number: int, inputs: Snapshot) -> TickDone:
        return TickDone(
            number=number,
            stamp_ns=self._agenda.now_ns,
            arrived_ns=self._agenda.now_ns + self._action_latency_ns,
            chunk=self._policy.act(inputs.features.data, inputs.sensor, inputs.state).chunk,
            verdict=judge(inputs.features_age_s, inputs.stream_ages_s, self._limits),
            ledger=inputs.ledger(),
        )

    # The command node.

    def _take_chunk(self, done: TickDone) -> None:
        ledger = done.ledger
        ages = Ages(ledger["features_age_s"], ledger["sensor_age_s"], ledger["state_age_s"])
        held = done.verdict.mode == Mode.HOLD
        self._controller.accept(
            Chunk(done.stamp_ns, self._dt_s, done.chunk),
            ages,
            "the action node asks for a hold" if held else "",
        )

    def _command(self) -> None:
        period_ns = round(NS / self._parameters.command.rate_hz)
        self._agenda.at(self._agenda.now_ns + period_ns, Order.COMMAND, self._command)
        command = self._controller.step(self._agenda.now_ns, self._fresh_position())
        if command is not None:
            self._done.commands.append(CommandDone(self._agenda.now_ns, command))

    def _fresh_position(self) -> NDArray[np.float64] | None:
        if self._position is None:
            return None
        seen, position = self._position
        fresh = seen.age_s(self._now) <= self._parameters.command.state_timeout_s
        return position if fresh else None
