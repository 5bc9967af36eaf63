"""The two action heads: regression, and flow matching (https://arxiv.org/abs/2210.02747).

Both work on unbounded values (B, horizon, dim); `bounded` makes actions of them. Each has a plain
`forward` from all parts, and the split way that a node uses: `prepare` once for new features,
`decode` once a tick.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from vla_ros.models.blocks import Block, Fuse
from vla_ros.models.config import TOKEN_QUERIES, PolicyConfig
from vla_ros.models.pooling import TokenPool
from vla_ros.models.solvers import SOLVERS


def bounded(raw: Tensor, max_delta: Tensor, gripper: bool) -> Tensor:
    """Return actions from unbounded values (..., dim): deltas within their limits, gripper 0..1."""
    deltas = torch.tanh(raw[..., :6]) * max_delta
    return torch.cat([deltas, torch.sigmoid(raw[..., 6:])], -1) if gripper else deltas


class Expert(nn.Module):
    """What both heads have in common: the joined inputs, and a row of blocks."""

    def __init__(self, config: PolicyConfig, inputs: tuple[str, ...]) -> None:
        """Make the layers for these inputs."""
        super().__init__()
        self.shape = (config.horizon, config.action_dim)
        tokens = config.pooling == "tokens"
        pool = TokenPool(config.feature_dim, TOKEN_QUERIES) if tokens else nn.Flatten()
        self.fuse = Fuse(config.part_dims(inputs), config.hidden, pool)
        self.blocks = nn.ModuleList(Block(config.hidden) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.hidden)
        self.out = nn.Linear(config.hidden, math.prod(self.shape))

    def prepare(self, features: Tensor) -> Tensor:
        """Return what depends on the features alone: (B, D), (B, V, D) or (B, T, D)."""
        return self.fuse.features_part(features)

    def decode(self, prepared: Tensor, rest: Mapping[str, Tensor], noise: Tensor) -> Tensor:
        """Return what `forward` would, for a batch of one.

        Args:
            prepared: what `prepare` made of the features.
            rest: the other parts, each (1, its size).
            noise: (1, horizon, dim); regression does not look at it.
        """
        raise NotImplementedError


class RegressionExpert(Expert):
    """Puts the chunk out in one pass."""

    def forward(self, parts: Mapping[str, Tensor], noise: Tensor) -> Tensor:
        """Return (B, horizon, dim) from the features and the other parts; uses no noise."""
        return self._chunk(self.fuse(parts))

    def decode(self, prepared: Tensor, rest: Mapping[str, Tensor], noise: Tensor) -> Tensor:
        """See `Expert`."""
        return self._chunk(self.fuse.add_rest(prepared, rest))

    def _chunk(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.out(self.norm(x))
        return out.reshape(-1, *self.shape)


class FlowExpert(Expert):
    """Carries noise along a learnt velocity to a chunk, in steps from time 0 to 1.

    What steers the blocks depends on the step's time and on the condition, not on the chunk:
    `decode` computes it for all steps in one product, which reads its weights once a tick.
    """

    def __init__(self, config: PolicyConfig, inputs: tuple[str, ...]) -> None:
        """Make the head for these inputs."""
        super().__init__(config, inputs)
        self.use_solver("euler", config.flow_steps)
        hidden = config.hidden
        self.waves = hidden // 2
        self.time = nn.Sequential(
            nn.Linear(2 * self.waves, hidden), nn.SiLU(), nn.Linear(hidden, hidden)
        )
        self.modulate = nn.Linear(hidden, 3 * hidden * config.blocks)
        self.enter = nn.Linear(math.prod(self.shape), hidden)

    def use_solver(self, name: str, steps: int) -> None:
        """Integrate with this solver (see SOLVERS) in this many steps."""
        self._solver, self._steps = SOLVERS[name], steps
        self._embedded_times: Tensor | None = None  # the same for every tick

    def velocity(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """Return the velocity (B, size) at `x` (B, size), times (B,) and condition (B, hidden)."""
        return self._flow(x, self._modulation(self._embedded(time), condition))

    def forward(self, parts: Mapping[str, Tensor], noise: Tensor) -> Tensor:
        """Return (B, horizon, dim) from all parts and noise of that shape, step by step."""
        condition = self.fuse(parts)
        times = self._solver.times(self._steps).to(noise.device)

        def velocity(x: Tensor, number: int) -> Tensor:
            return self.velocity(x, times[number].expand(len(x)), condition)

        x = self._solver.integrate(noise.flatten(1), self._steps, velocity)
        return x.reshape(-1, *self.shape)

    def decode(self, prepared: Tensor, rest: Mapping[str, Tensor], noise: Tensor) -> Tensor:
        """See `Expert`."""
        condition = self.fuse.add_rest(prepared, rest)
        if self._embedded_times is None:
            self._embedded_times = self._embedded(self._solver.times(self._steps).to(noise.device))
        steering = self._modulation(self._embedded_times, condition)

        def velocity(x: Tensor, number: int) -> Tensor:
            return self._flow(x, steering[number : number + 1])

        x = self._solver.integrate(noise.flatten(1), self._steps, velocity)
        return x.reshape(-1, *self.shape)

    def _embedded(self, time: Tensor) -> Tensor:
        """Return (N, hidden) from times (N,): sines and cosines of 1 to 1000 rad, and layers."""
        angles = time[:, None] * torch.logspace(0.0, 3.0, self.waves, device=time.device)
        embedded: Tensor = self.time(torch.cat([angles.sin(), angles.cos()], -1))
        return embedded

    def _modulation(self, embedded: Tensor, condition: Tensor) -> Tensor:
        steering: Tensor = self.modulate(functional.silu(embedded + condition))
        return steering

    def _flow(self, x: Tensor, steering: Tensor) -> Tensor:
        h = self.enter(x)
        steering_of = steering.chunk(len(self.blocks), -1)
        for block, modulation in zip(self.blocks, steering_of, strict=True):
            h = block(h, modulation)
        velocity: Tensor = self.out(self.norm(h))
        return velocity


EXPERTS: dict[str, type[Expert]] = {"regression": RegressionExpert, "flow": FlowExpert}
