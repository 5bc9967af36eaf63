"""What the vision tower and the language stack have in common, on a loaded model's own weights."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def rms_norm(norm: Any, x: Tensor) -> Tensor:
    """Return x (..., D) divided by its root mean square, by the weights of the module `norm`."""
    return functional.rms_norm(x, (x.shape[-1],), norm.weight, norm.variance_epsilon)


def gated_mlp(mlp: Any, x: Tensor) -> Tensor:
    """Return what the gated perceptron `mlp` of a block makes of x (..., D)."""
    out: Tensor = mlp.down_proj(mlp.act_fn(mlp.gate_proj(x)).mul_(mlp.up_proj(x)))
    return out


@torch.no_grad()
def interleave_(linear: Any, heads: int, head_dim: int) -> None:
    """Reorder the first outputs of `linear`, those of `heads` heads, so that rotated pairs touch.

    The models rotate the values i and i + head_dim / 2 of queries and keys. In this order they
    are the two halves of one complex number, and attention, which sums over them, stays as it is.
    """
    pairs = torch.arange(head_dim, device=linear.weight.device).view(2, -1).T.flatten()
    size = heads * head_dim
    for values in (linear.weight, linear.bias):
        if values is not None:
            values[:size] = values[:size].unflatten(0, (heads, head_dim))[:, pairs].flatten(0, 1)


def turns(angles: Tensor) -> Tensor:
    """Return the complex numbers (..., 1, head_dim / 2) that turn every head by these angles."""
    return torch.polar(torch.ones_like(angles), angles).unsqueeze(-2)


def rotate_(x: Tensor, turn: Tensor) -> None:
    """Turn x (..., heads, head_dim), interleaved, in place and in float32."""
    exact = x.float()  # x itself, if it is float32
    torch.view_as_complex(exact.unflatten(-1, (-1, 2))).mul_(turn)
    if exact is not x:
        x.copy_(exact)
