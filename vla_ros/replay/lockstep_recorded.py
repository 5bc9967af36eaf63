"""The recorded run that a lockstep replay is held against: when it began, and what it gave."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vla_ros.core.latency import stats
from vla_ros.core.readings import to_ns
from vla_ros.data.bag_reader import BagReader
from vla_ros.replay.lockstep_run import Run

_CHUNK = "vla_ros/msg/ActionChunk"
_LATENCY = "vla_ros/msg/StageLatency"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the graph did while the bag was recorded; empty of a bag without its outputs."""

    ready_ns: int = 0  # when the encoder chose its first set; until then it was loading
    tick_ns: int = 0  # a place on the grid of ticks
    chunks: tuple[Any, ...] = ()  # vla_ros/ActionChunk


def read_recorded(bag: BagReader) -> Recorded:
    """Return what the bag tells of its own run."""
    topics = [topic for topic, msgtype in bag.topics.items() if msgtype in (_CHUNK, _LATENCY)]
    chunks, chosen_ns = [], []
    for record in bag.messages(topics) if topics else ():
        message = bag.decode(record)
        if record.msgtype == _CHUNK:
            chunks.append(message)
        elif message.node == "vl_encoder":
            chosen_ns.append(to_ns(message.header.stamp))
    tick_ns = to_ns(chunks[0].header.stamp) if chunks else 0
    return Recorded(min(chosen_ns, default=0), tick_ns, tuple(chunks))


def agreement(run: Run, recorded: Recorded, period_ns: int) -> dict[str, Any]:
    """Return how many of the recorded chunks the replay gave too, and how far the ages differ.

    Chunks of the same place on the grid are compared. Inputs reached the recorder and the action
    node at times of their own, and images may have been recorded as JPEGs, so not every chunk can
    be the same: `action_difference_max` says how far the farthest value is.
    """
    ticks = {round((tick.stamp_ns - recorded.tick_ns) / period_ns): tick for tick in run.ticks}
    equal, farthest, apart_ms = 0, 0.0, []
    for chunk in recorded.chunks:
        tick = ticks.get(round((to_ns(chunk.header.stamp) - recorded.tick_ns) / period_ns))
        if tick is not None:
            apart = np.abs(np.ravel(tick.chunk) - chunk.data)
            equal += not apart.any()
            farthest = max(farthest, float(apart.max()))
            apart_ms.append(abs(tick.ledger["features_age_s"] - chunk.features_age_s) * 1e3)
    ages = stats(apart_ms).as_dict()
    return {
        "recorded": len(recorded.chunks),
        "compared": len(apart_ms),
        "equal": int(equal),
        "action_difference_max": farthest,
        "features_age_difference_ms": {name: ages[name] for name in ("p50", "p90", "max")},
    }
