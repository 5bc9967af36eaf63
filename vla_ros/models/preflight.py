"""Before anything moves: how fast this machine can be, and what follows for the robot."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from vla_ros.core.errors import ParameterError
from vla_ros.models.costs import EncodeCost
from vla_ros.models.features import Encoder
from vla_ros.models.hardware import matrix_rate

_TYPICAL_SHARE = 0.5  # of the matrix rate that an encode reaches, where none was timed yet


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a configuration will do on this machine."""

    tokens: int
    flops: float
    weight_bytes: int
    matrix_rate: float  # what the device was measured to do [FLOP/s]
    limit_s: float  # the encode at that rate
    encode_s: float  # the encode as it was timed, else as is typical
    feature_rate_hz: float
    youngest_s: float  # age of the features when they arrive
    oldest_s: float  # age of the features before the next ones arrive
    chunk_s: float  # what one chunk covers
    coverage: float  # chunks that cover any moment: 1 is just enough
    soft_s: float  # features older than this slow the robot down
    hard_s: float  # and older than this hold it

    @property
    def share(self) -> float:
        """Return the share of the matrix rate that the encode reaches."""
        return self.limit_s / self.encode_s

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            ParameterError: features would be older than allowed from the first encode on, or
                chunks end before the next ones come. The parameters to change are named.
        """
        typical_s = self.limit_s / _TYPICAL_SHARE
        # One encode that was timed while other programs started is no proof.
        if self.youngest_s - max(0.0, self.encode_s - typical_s) >= self.hard_s:
            raise ParameterError(
                f"features would be {self.youngest_s:.2f} s old when they arrive ({self.tokens} "
                f"tokens, {self.flops / 1e9:.0f} GFLOP at {self.matrix_rate / 1e9:.0f} GFLOP/s), "
                f"and features_hard_s is {self.hard_s:g}: the robot would never move. Change "
                "checkpoint (a smaller one), device or threads (a faster one), views (fewer), the "
                "cameras' size (smaller), or features_hard_s of action and command (larger)"
            )
        if self.coverage < 1.0:
            raise ParameterError(
                f"a chunk covers {self.chunk_s:g} s, and the next comes later: change rate_hz of "
                "action (higher), or checkpoint (one with a larger horizon or dt_s)"
            )

    def warnings(self) -> list[str]:
        """Return what works, but not well."""
        if self.youngest_s >= self.hard_s:
            return [
                f"features are {self.youngest_s:.2f} s old when they arrive: the robot will hold "
                f"unless encodes become faster (features_hard_s is {self.hard_s:g})"
            ]
        if self.oldest_s >= self.hard_s:
            return [
                f"features reach {self.oldest_s:.2f} s before the next ones come: the robot will "
                f"hold each time (features_hard_s is {self.hard_s:g})"
            ]
        if self.oldest_s >= self.soft_s:
            return [
                f"features reach {self.oldest_s:.2f} s before the next ones come: the robot will "
                f"be slowed down (features_soft_s is {self.soft_s:g})"
            ]
        return []

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name, and the share."""
        return asdict(self) | {"share": self.share}

    def __str__(self) -> str:
        """Say it in a line."""
        return (
            f"{self.tokens} tokens, {self.flops / 1e9:.1f} GFLOP, {self.weight_bytes / 1e6:.0f} MB "
            f"of weights; {self.limit_s:.3f} s at this device's {self.matrix_rate / 1e9:.0f} "
            f"GFLOP/s, {self.encode_s:.3f} s expected ({self.share:.0%}): features at "
            f"{self.feature_rate_hz:.2f} Hz, {self.youngest_s:.2f} to {self.oldest_s:.2f} s old; "
            f"a chunk covers {self.chunk_s:g} s, {self.coverage:.1f} times its period"
        )


def preflight(
    cost: EncodeCost,
    matrix_rate: float,
    *,
    encode_s: float | None = None,
    rate_hz: float = 1.0,
    horizon: int = 8,
    dt_s: float = 0.1,
    action_rate_hz: float = 10.0,
    soft_s: float = 3.0,
    hard_s: float = 5.0,
    slop_s: float = 0.05,
) -> Preflight:
    """Return what follows from the cost of an encode.

    Args:
        cost: see `VlEncoder.cost`.
        matrix_rate: see `hardware.matrix_rate` [FLOP/s].
        encode_s: what an encode was timed to take [s]; without, a typical share of the rate.
        rate_hz: encodes wanted a second; 0 for as many as there can be.
        horizon: actions in a chunk.
        dt_s: from one action to the next [s].
        action_rate_hz: chunks a second.
        soft_s: age of features that slows the robot down [s].
        hard_s: age of features that holds it [s].
        slop_s: how far apart the images of one set may be captured [s].
    """
    limit_s = cost.flops / matrix_rate
    took_s = encode_s or limit_s / _TYPICAL_SHARE
    rate = min(rate_hz or math.inf, 1.0 / took_s)
    return Preflight(
        tokens=cost.tokens,
        flops=cost.flops,
        weight_bytes=cost.weight_bytes,
        matrix_rate=matrix_rate,
        limit_s=limit_s,
        encode_s=took_s,
        feature_rate_hz=rate,
        youngest_s=took_s + slop_s,
        oldest_s=took_s + slop_s + 1.0 / rate,
        chunk_s=horizon * dt_s,
        coverage=horizon * dt_s * action_rate_hz,
        soft_s=soft_s,
        hard_s=hard_s,
    )


def look_ahead(
    encoder: Encoder, height: int = 360, width: int = 640, **settings: float
) -> Preflight:
    """Warm an encoder up on views of this size, time it, and return what follows.

    Args:
        encoder: a loaded encoder.
        height: of the images [pixel].
        width: of the images [pixel].
        settings: of `preflight`: rate_hz, action_rate_hz, soft_s, hard_s, slop_s.
    """
    encoder.warm_up(height, width)
    encoded = encoder.warm_up(height, width)  # as fast as those to come
    took_s = sum(stage.duration_ns for stage in encoded.stages) / 1e9
    rate = matrix_rate(encoder.device, encoder.dtype)
    horizon, dt_s = encoder.config.horizon, encoder.config.dt_s
    cost = encoder.cost(encoded)
    return preflight(cost, rate, encode_s=took_s, horizon=horizon, dt_s=dt_s, **settings)
