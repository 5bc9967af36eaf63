"""The layers that the encoders and experts are made of."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from vla_ros.models.config import WindowConfig

_STRIDE = 2
_STAGES = 3


class WindowEncoder(nn.Module):
    """Turns a window of samples into one vector: a temporal convolution network.

    Each sample is projected, three convolutions halve the time axis, and what is left of it is
    flattened, so the last layer still knows what happened when.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: WindowConfig) -> None:
        """Make the layers, for samples normalised by `mean` and `std` of the training data."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(config.channels))
        self.register_buffer("std", torch.ones(config.channels))
        self.project = nn.Linear(config.channels, config.width)
        self.norms = nn.ModuleList(nn.GroupNorm(1, config.width) for _ in range(_STAGES))
        self.convs = nn.ModuleList(
            nn.Conv1d(config.width, config.width, kernel_size=5, stride=_STRIDE, padding=2)
            for _ in range(_STAGES)
        )
        steps = config.window
        for _ in range(_STAGES):
            steps = -(-steps // _STRIDE)
        self.out = nn.Linear(config.width * steps, config.dim)

    def forward(self, window: Tensor) -> Tensor:
        """Encode windows (B, window, channels), oldest sample first, as (B, dim)."""
        x = self.project((window - self.mean) / self.std).transpose(1, 2)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            x = functional.gelu(conv(norm(x)))
        encoded: Tensor = self.out(x.flatten(1))
        return encoded


class Fuse(nn.Module):
    """Joins the features and the other inputs: normalised, concatenated, one linear layer.

    The part of the product that belongs to the features can be computed apart, once for all
    ticks that see the same features: `features_part`, then `add_rest`.
    """

    def __init__(self, part_dims: Mapping[str, int], hidden: int, pool: nn.Module) -> None:
        """Take parts of these sizes, features first; `pool` makes (B, its size) of the features."""
        super().__init__()
        self.pool = pool
        self.norms = nn.ModuleDict({name: nn.LayerNorm(dim) for name, dim in part_dims.items()})
        self.linear = nn.Linear(sum(part_dims.values()), hidden)
        self.split = part_dims["features"]

    def forward(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Return (B, hidden) from the features, as they come, and the other parts (B, size)."""
        vectors = {**parts, "features": self.pool(parts["features"])}
        joined: Tensor = self.linear(torch.cat([n(vectors[k]) for k, n in self.norms.items()], -1))
        return joined

    def features_part(self, features: Tensor) -> Tensor:
        """Return what the features, as they come, add to the result, bias included."""
        normed = self.norms["features"](self.pool(features))
        return functional.linear(normed, self.linear.weight[:, : self.split], self.linear.bias)

    def add_rest(self, part: Tensor, rest: Mapping[str, Tensor]) -> Tensor:
        """Return what `forward` would, from `features_part` and the other parts."""
        if not rest:
            return part
        normed = torch.cat([self.norms[name](value) for name, value in rest.items()], -1)
        return part + functional.linear(normed, self.linear.weight[:, self.split :])


class Block(nn.Module):
    """A residual two-layer perceptron, which a condition may shift, scale and gate.

    The modulation is that of DiT (https://arxiv.org/abs/2212.09748).
    """

    def __init__(self, hidden: int) -> None:
        """Make a block of the width `hidden`."""
        super().__init__()
        self.norm = nn.LayerNorm(hidden)
        self.up = nn.Linear(hidden, 2 * hidden)
        self.down = nn.Linear(2 * hidden, hidden)

    def forward(self, x: Tensor, modulation: Tensor | None = None) -> Tensor:
        """Return (B, hidden); `modulation` is (B, 3 * hidden): shift, scale, gate."""
        y = self.norm(x)
        if modulation is None:
            return x + self._mlp(y)
        shift, scale, gate = modulation.chunk(3, -1)
        return x + (1 + gate) * self._mlp(y * (1 + scale) + shift)

    def _mlp(self, x: Tensor) -> Tensor:
        out: Tensor = self.down(functional.gelu(self.up(x)))
        return out
