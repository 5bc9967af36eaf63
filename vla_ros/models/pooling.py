"""Last hidden states to features, and features to a vector for the experts."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Hidden(NamedTuple):
    """Last hidden states of a set of images."""

    sequences: Sequence[Tensor]  # (T, D) of each sequence
    views: Sequence[Tensor]  # (N, D) of each view: its image tokens, or its own sequence


def mean(sequences: Sequence[Tensor], views: Sequence[Tensor]) -> Tensor:
    """Return the mean (D,) over all tokens."""
    return torch.cat(list(sequences)).float().mean(0)


def per_view(sequences: Sequence[Tensor], views: Sequence[Tensor]) -> Tensor:
    """Return the mean (V, D) over the tokens of each view."""
    return torch.stack([view.float().mean(0) for view in views])


def tokens(sequences: Sequence[Tensor], views: Sequence[Tensor]) -> Tensor:
    """Return all tokens (T, D), sequence after sequence."""
    return torch.cat(list(sequences)).float()


POOLINGS: dict[str, Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]] = {
    "mean": mean,
    "per_view": per_view,
    "tokens": tokens,
}


class TokenPool(nn.Module):
    """Any number of tokens to a few vectors, by learnt queries (attention pooling)."""

    def __init__(self, dim: int, queries: int) -> None:
        """Make the layers for tokens of `dim` values."""
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.queries = nn.Parameter(torch.randn(queries, dim) / dim**0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (B, queries * D) from tokens (B, T, D)."""
        normed = self.norm(tokens)
        weights = (self.queries @ normed.transpose(1, 2)).softmax(-1)
        return (weights @ normed).flatten(1)
