"""Publishes what the vision-language model sees, about once a second."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from vla_ros.core.encode_loop import EncodeLoop
from vla_ros.core.errors import MessageError, ParameterError
from vla_ros.core.framesets import FrameMatcher, FrameSet, arrival_stages
from vla_ros.core.latency import StageTimer
from vla_ros.core.safety import Mode
from vla_ros.core.time import NS, JumpDetector, Now
from vla_ros.models.embedded import resolve_checkpoint
from vla_ros.models.preflight import Preflight, look_ahead
from vla_ros.models.view_gate import Reuse
from vla_ros.models.vl_encoder import EncodedFeatures, load_encoder
from vla_ros.msg import VlFeatures
from vla_ros.ros import qos
from vla_ros.ros.age_params import FeatureAgeParams
from vla_ros.ros.convert import features_message, now
from vla_ros.ros.images import to_rgb
from vla_ros.ros.listeners import Listener
from vla_ros.ros.params import declare, param
from vla_ros.ros.process import lower_priority
from vla_ros.ros.reporting import STEADY, Reporter
from vla_ros.ros.spin import run

VIEWS = tuple(f"camera_{number}" for number in range(1, 6))


@dataclass(frozen=True)
class EncoderParams(FeatureAgeParams):
    """Parameters of the encoder."""

    checkpoint: str = param("embedded", "checkpoint folder, or 'embedded'")
    device: str = param("auto", "where the model runs", choices=("auto", "cpu", "cuda"))
    compiled: str = param(
        "auto", "CUDA graphs or torch.compile; auto: on CUDA", choices=("auto", "on", "off")
    )
    quantize: str = param(
        "none", "bits of the products; CUDA: by torchao", choices=("none", "int8", "float8")
    )
    threads: int = param(0, "CPU threads of the model; 0: torch's choice", low=0, high=256)
    nice: int = param(5, "how much the encoding yields to all else", low=0, high=19)
    instruction: str = param("insert the needle into the blue point", "what to do, at the start")
    views: tuple[str, ...] = param(VIEWS, "names of the cameras, in the model's order")
    topics: tuple[str, ...] = param(
        tuple(f"{view}/image_raw" for view in VIEWS),
        "image topic of each view; one that ends in /compressed is a CompressedImage",
    )
    rate_hz: float = param(1.0, "encodes a second; 0: as fast as it goes", low=0.0, high=100.0)
    slop_s: float = param(0.05, "images this close in capture time are one set", low=0.0, high=1.0)
    max_age_s: float = param(1.0, "older images are not encoded [s]", low=0.01, high=60.0)
    min_views: int = param(0, "encode without the rest from so many on; 0: all", low=0, high=16)
    reuse_threshold: float = param(
        0.0,
        "a view that changed less keeps its features [grey levels]; 0: never",
        low=0.0,
        high=255.0,
    )
    reuse_max_age_s: float = param(1.0, "no view keeps them for longer", low=0.01, high=60.0)
    always_views: tuple[str, ...] = param((), "encode these each time, of the others one in turn")
    static_first: bool = param(False, "joint layout: what changes last, the rest kept as a prefix")

    def reuse(self) -> Reuse:
        """Return when a view keeps what was computed for it."""
        always = self.always_views or None
        return Reuse(self.reuse_threshold, self.reuse_max_age_s, always, self.static_first)


class VlEncoder(Node):
    """Keeps the newest images, encodes one set at a time, never queues."""

    def __init__(self) -> None:
        """Load the model, then listen."""
        super().__init__("vl_encoder")
        self._params = params = declare(self, EncoderParams)
        views = params.views
        if len(params.topics) != len(views) or not 0 <= params.min_views <= len(views):
            raise ParameterError(
                f"{len(views)} views, {len(params.topics)} topics, min_views {params.min_views}; "
                "one topic a view and min_views up to the number of views are allowed"
            )
        folder = resolve_checkpoint(params.checkpoint)
        self._encoder = load_encoder(
            folder,
            device=params.device,
            threads=params.threads,
            reuse=params.reuse(),
            compiled=params.compiled,
            quantize=params.quantize,
        )
        if len(views) > len(self._encoder.config.views):
            raise ParameterError(
                f"{len(views)} views; the checkpoint was made for {len(self._encoder.config.views)}"
            )
        self._session, self._sequence = uuid.uuid4().hex[:8], 0
        self._publisher = self.create_publisher(VlFeatures, "features", qos.FEATURES)
        self._reporter = Reporter(self, self._values)
        self._jump = JumpDetector()
        self._flight: Preflight | None = None
        self._share = ""
        self._frames: FrameMatcher[Image | CompressedImage] = FrameMatcher(
            views, params.slop_s, params.min_views or len(views), params.max_age_s
        )
        self._loop = EncodeLoop(
            self._frames, partial(now, self), params.rate_hz, self._encode, self._prepare
        )
        self._loop.instruct(params.instruction)
        self._listener = Listener(self)
        self._listener.listen_to_cameras(views, params.topics, self._loop.put)
        self.create_subscription(String, "instruction", self._on_instruction, qos.LATCHED)
        self.create_timer(0.5, self._watch, clock=STEADY)
        self._loop.start()

    def close(self) -> None:
        """Let the encode in progress finish."""
        self._loop.stop(timeout_s=10.0)

    def _on_instruction(self, message: String) -> None:
        self._loop.instruct(message.data)

    def check(self) -> None:
        """Raise what the worker failed with."""
        if self._loop.error is not None:
            raise self._loop.error

    def _watch(self) -> None:
        if self._jump.jumped(now(self)):
            self._loop.clear()
            self.get_logger().warning("the ROS clock was set; images from before are forgotten")

    def _prepare(self) -> None:
        """Warm up and look ahead; only the worker yields, the images are taken in at once."""
        params, encoder = self._params, self._encoder
        lower_priority(params.nice)
        self._flight = flight = look_ahead(
            encoder,
            rate_hz=params.rate_hz,
            soft_s=params.features_soft_s,
            hard_s=params.features_hard_s,
            slop_s=params.slop_s,
        )
        flight.check()
        self.get_logger().info(f"ready: {params.checkpoint} ({encoder.model_id}); {flight}")
        for warning in flight.warnings():
            self.get_logger().warning(warning)

    def _encode(self, frames: FrameSet[Any], instruction: str, chosen: Now) -> None:
        """Decode, encode and publish one set; runs in the worker."""
        timer = StageTimer()
        timer.stages += arrival_stages(frames, chosen)
        try:
            with timer("decode"):
                images = [to_rgb(frame.image) for frame in frames.frames]
        except MessageError as error:
            self._reporter.set_mode(Mode.HOLD, str(error))
            return
        encoded = self._encoder.encode(
            images,
            instruction,
            stamps_ns=frames.stamps_ns,
            numbers=[self._params.views.index(view) for view in frames.views],
        )
        timer.stages += encoded.stages
        self._note_share(encoded)
        self._sequence += 1
        with timer("publish"):
            self._publisher.publish(self._message(frames, instruction, encoded))
        trace_id = f"{self._session}:{self._sequence}"
        self._reporter.latency(trace_id, self._sequence, chosen, timer.stages)
        self._reporter.set_mode(
            Mode.RUNNING, f"encodes {len(images)} of {len(self._params.views)} views"
        )

    def _message(
        self, frames: FrameSet[Any], instruction: str, encoded: EncodedFeatures
    ) -> VlFeatures:
        message = features_message(
            frames.views,
            encoded.data,
            encoded.view_stamps_ns,
            encoded.view_tokens,
            encoded.image_grid_thw,
        )
        message.sequence, message.session = self._sequence, self._session
        message.model_id, message.instruction = self._encoder.model_id, instruction
        message.total_tokens = encoded.total_tokens
        return message

    def _note_share(self, encoded: EncodedFeatures) -> None:
        """Note the share of the device's rate; an encode that kept views proves nothing."""
        if self._flight is not None and len(encoded.computed) == len(self._params.views):
            took_s = sum(stage.duration_ns for stage in encoded.stages) / NS
            self._share = f"{self._flight.limit_s / took_s:.2f}"

    def _values(self) -> Mapping[str, Any]:
        values: dict[str, Any] = {
            "rate_hz": self._params.rate_hz,
            "encodes": self._sequence,
            "model_id": self._encoder.model_id,
            "share_of_limit": self._share,
        }
        for view, count in self._frames.counts.items():
            values[f"{view}.received"] = count.received
            values[f"{view}.lost"] = count.lost
            values[f"{view}.used"] = count.used
            values[f"{view}.unpaired"] = count.unpaired
        return values


def main() -> int:
    """Run the encoder."""
    return run(VlEncoder)
