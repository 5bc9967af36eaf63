"""The baseline: one process, one loop: encode, act, command, and again.

What a policy does without this package. It moves the robot as often as the encoder allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from vla_ros.core.chunks import MOTION
from vla_ros.core.framesets import FrameMatcher
from vla_ros.core.inputs import Features
from vla_ros.core.latency import StageTimer
from vla_ros.core.safety import Mode
from vla_ros.models.embedded import resolve_checkpoint
from vla_ros.models.policy import load_actor
from vla_ros.models.vl_encoder import load_encoder
from vla_ros.nodes.action import ActionParams
from vla_ros.nodes.vl_encoder import EncoderParams
from vla_ros.ros.command_output import TwistOutput
from vla_ros.ros.convert import now
from vla_ros.ros.images import to_rgb
from vla_ros.ros.listeners import Listener
from vla_ros.ros.params import declare
from vla_ros.ros.reporting import STEADY, Reporter
from vla_ros.ros.spin import run


@dataclass(frozen=True)
class NaiveParams(ActionParams, EncoderParams):
    """Parameters of both nodes that it stands in for."""


class NaiveLoop(Node):
    """Encodes, acts and commands in one callback."""

    def __init__(self) -> None:
        """Load the whole policy."""
        super().__init__("naive_loop")
        self._params = params = declare(self, NaiveParams)
        folder = resolve_checkpoint(params.checkpoint)
        self._encoder = load_encoder(folder, device=params.device)
        self._actor = load_actor(
            folder,
            params.action_head,
            use_sensor=params.use_sensor,
            use_robot_states=params.use_robot_states,
            device=params.device,
        )
        self._frames: FrameMatcher[Image | CompressedImage] = FrameMatcher(
            params.views, params.slop_s, len(params.views), max_age_s=60.0
        )
        self._inputs = self._actor.make_inputs(params.joints)
        self._output = TwistOutput(self, params.frame_id, None)
        self._reporter = Reporter(self, self._values)
        self._cycles = 0
        self._listener = Listener(self)
        self._listener.listen_to_cameras(params.views, params.topics, self._frames.put)
        self._listener.listen_to_robot(self._inputs, self._actor.inputs, params.sensor_type)
        self._encoder.warm_up()
        self.create_timer(0.001, self._cycle, clock=STEADY)

    def _cycle(self) -> None:
        start, timer = now(self), StageTimer()
        frames = self._frames.pick(start)
        if frames is None:
            return
        with timer("decode"):
            images = [to_rgb(frame.image) for frame in frames.frames]
        encoded = self._encoder.encode(images, self._params.instruction)
        seen = tuple(frame.seen for frame in frames.frames)
        views = tuple(frame.view for frame in frames.frames)
        self._inputs.put_features(Features(encoded.data, "naive", self._cycles, views, seen))
        inputs = self._inputs.snapshot(now(self))
        if inputs is None:
            return
        acted = self._actor.act(encoded.data, inputs.sensor, inputs.state)
        action: NDArray[np.float64] = acted.chunk[0].astype(np.float64)
        self._output.publish(action[MOTION] / self._actor.config.dt_s, now(self))
        self._cycles += 1
        stages = [*timer.stages, *encoded.stages, *acted.stages]
        self._reporter.latency(str(self._cycles), self._cycles, start, stages)
        self._reporter.set_mode(Mode.RUNNING, "one loop")

    def _values(self) -> Mapping[str, Any]:
        return {"commands": self._cycles}


def main() -> int:
    """Run the baseline."""
    return run(NaiveLoop)
