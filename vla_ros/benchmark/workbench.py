"""Runs a configuration once, on models that are loaded once."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vla_ros.benchmark.configuration import Configuration
from vla_ros.benchmark.feed import Feed, Inputs
from vla_ros.benchmark.proof import Image, check_seen, check_tokens
from vla_ros.benchmark.recordings import Recording
from vla_ros.core.errors import ParameterError
from vla_ros.models.checkpoint import open_checkpoint
from vla_ros.models.config import PolicyConfig
from vla_ros.models.features import EncodedFeatures, Encoder
from vla_ros.models.hardware import PeakMemory, finisher, set_threads, threads_used
from vla_ros.models.policy import ActionResult, Actor, load_actor
from vla_ros.models.vl_encoder import load_encoder

_NAMES = {"sensor_encode": "sensor", "state_encode": "state"}  # of stages, as they are reported
_MS = 1e-6  # of a nanosecond


@dataclass(frozen=True)
class Options:
    """What holds for all configurations."""

    device: str = "auto"
    dtype: str = "auto"
    threads: int = 0  # of the encoder, 0: torch's choice; the action side has one, as in its node
    seed: int = 0  # of the flow head's noise


@dataclass(frozen=True, slots=True)
class Cycle:
    """One encode and its ticks, as they were measured."""

    encoded: EncodedFeatures
    hashes: tuple[str, ...]  # of the images
    stages_ms: dict[str, list[float]]  # a time for each encode, or for each tick


class Workbench:
    """Holds what was loaded, and what was shown last."""

    def __init__(self, folders: Mapping[str, Path], recording: Recording, options: Options) -> None:
        """Take the checkpoints' folders by the names that configurations use."""
        self._folders, self._options = folders, options
        self._feed = Feed(recording)
        self._encoders: dict[str, tuple[Encoder, PolicyConfig, int | None]] = {}
        self._actors: dict[tuple[str, str, bool, bool], Actor] = {}
        self._proved: set[Configuration] = set()
        self.threads = options.threads or threads_used()

    def encoder(self, c: Configuration) -> Encoder:
        """Return the encoder, set up for the configuration."""
        if c.model not in self._encoders:
            folder, o = self._folders[c.model], self._options
            encoder = load_encoder(folder, device=o.device, dtype=o.dtype, threads=o.threads)
            self._encoders[c.model] = encoder, encoder.config, _merge(folder)
        encoder, config, _ = self._encoders[c.model]
        if c.views > len(config.views):
            raise ParameterError(
                f"{c.views} views are wanted, but {c.model} takes 1 to {len(config.views)}"
            )
        # Each encode asks its configuration how to lay the views out; no weight depends on that.
        encoder.config = replace(config, layout=c.layout)
        if c.batch > 1:
            names = tuple(map(str, range(c.batch * c.views)))
            pooling = "per_view" if config.pooling == "mean" else config.pooling
            encoder.config = replace(encoder.config, views=names, pooling=pooling)
        return encoder

    def actor(self, c: Configuration) -> Actor:
        """Return the action side of the configuration, warm."""
        key = c.model, c.head, c.sensor, c.robot_states
        if key not in self._actors:
            self._actors[key] = actor = load_actor(
                self._folders[c.model],
                c.head,
                use_sensor=c.sensor,
                use_robot_states=c.robot_states,
                device=self._options.device,
                seed=self._options.seed,
                threads=1,
            )
            actor.warm_up()
        return self._actors[key]

    def prove(self, c: Configuration) -> None:
        """Raise ImagesLostError unless the images of this configuration reach the encoder."""
        self.actor(c)  # refuses at once what it has no expert for
        encoder = self.encoder(c)
        key = replace(c, head="", sensor=True, robot_states=True, reuse=1)
        if key in self._proved:
            return
        inputs, merge = self._inputs(c), self._encoders[c.model][2]

        def encode(images: Sequence[Image]) -> tuple[NDArray[np.float32], EncodedFeatures]:
            encoded = encoder.encode(images, inputs.instruction)
            return self._features(c, encoded), encoded

        set_threads(self.threads)
        features, encoded = encode(inputs.images)
        check_tokens(inputs.images, encoded, merge)
        check_seen(encode, inputs.images, features)
        self._proved.add(key)

    def cycle(self, c: Configuration) -> Cycle:
        """Encode new frame sets and act `reuse` times for each, every time on new windows.

        Raises:
            ImagesLostError: the images did not reach the encoder, or there are no new ones.
        """
        encoder, actor = self.encoder(c), self.actor(c)
        inputs, merge = self._inputs(c), self._encoders[c.model][2]
        finish = finisher(encoder.device)
        set_threads(self.threads)
        finish()
        start_ns = time.perf_counter_ns()
        encoded = encoder.encode(inputs.images, inputs.instruction)
        finish()
        vl_ns = time.perf_counter_ns() - start_ns
        set_threads(1)
        features = self._features(c, encoded)
        results = [
            actor.act(features[number % c.batch], *windows)
            for number, windows in enumerate(inputs.windows)
        ]
        finish()
        total_ns = time.perf_counter_ns() - start_ns
        check_tokens(inputs.images, encoded, merge)
        stages = {stage.name: [stage.duration_ns * _MS] for stage in encoded.stages}
        stages |= {"vl": [vl_ns * _MS], "vl_per_tick": [vl_ns * _MS / c.reuse]}
        stages |= _ticks_ms(results, c.batch) | {"total": [total_ns * _MS / c.reuse]}
        return Cycle(encoded, inputs.hashes, stages)

    def memory(self, c: Configuration) -> dict[str, float]:
        """Return the peak of memory of each stage of an encode and a tick [bytes], untimed.

        `before` is what was in use when they began.
        """
        encoder, actor = self.encoder(c), self.actor(c)
        inputs = self._inputs(c)
        with PeakMemory(encoder.device) as peak:
            set_threads(self.threads)
            encoded = encoder.encode(inputs.images, inputs.instruction)
            set_threads(1)
            result = actor.act(self._features(c, encoded)[0], *inputs.windows[0])
        names = [_NAMES.get(s.name, s.name) for s in (*encoded.stages, *result.stages)]
        return {"before": peak.before} | dict(zip(names, peak.marks, strict=True))

    def _inputs(self, c: Configuration) -> Inputs:
        return self._feed.next(c, self._encoders[c.model][1])

    def _features(self, c: Configuration, encoded: EncodedFeatures) -> NDArray[np.float32]:
        """Return the features of each set, (sets, ...), as the experts take them."""
        if c.batch == 1:
            return encoded.data[None]
        apart = encoded.data.reshape(c.batch, -1, encoded.data.shape[-1])
        return apart.mean(1) if self._encoders[c.model][1].pooling == "mean" else apart


def _ticks_ms(results: Sequence[ActionResult], batch: int) -> dict[str, list[float]]:
    """Return the time of each stage of each tick [ms]; the sets of a batch act one by one."""
    names = [_NAMES.get(stage.name, stage.name) for stage in results[0].stages]
    times = np.array([[stage.duration_ns * _MS for stage in result.stages] for result in results])
    ticks = times.reshape(-1, batch, len(names)).sum(1)
    return {name: ticks[:, place].tolist() for place, name in enumerate(names)}


def _merge(folder: Path) -> int | None:
    """Return how many patches along a side become one token, where the model says so."""
    config = json.loads((open_checkpoint(folder).vlm_folder() / "config.json").read_text("utf-8"))
    merge = config.get("vision_config", {}).get("spatial_merge_size")
    return int(merge) if merge else None
