"""Linear layers that multiply in eight bits on a CPU, through oneDNN, which comes with torch.

Weights are quantised once, a scale for each output; activations as they come, a scale for each
token, so one token with large values does not coarsen the others.
"""

import torch
from torch import Tensor, nn

_LARGEST = 127
_ZERO = 128  # oneDNN's fast kernels take activations without a sign


class Int8Linear(nn.Module):
    """Computes what a linear layer does, from weights and activations of eight bits."""

    def __init__(self, exact: nn.Linear) -> None:
        """Quantise the weights of a layer on the CPU."""
        super().__init__()
        weight = exact.weight.detach().float()
        scale = weight.abs().amax(1).clamp_(min=torch.finfo(torch.float32).tiny) / _LARGEST
        eights = (weight / scale[:, None]).round_().to(torch.int8)
        self._weight = torch.ops.onednn.qlinear_prepack(eights, None)
        self._scale = scale
        self._zeros = torch.zeros(len(scale), dtype=torch.int64)
        self.in_features, self.out_features = exact.in_features, exact.out_features
        self.bias = exact.bias

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., out_features) from (..., in_features), in the dtype of `x`."""
        rows = x.reshape(-1, self.in_features).float()
        # Faster than aminmax, which is not vectorised along rows.
        largest = torch.maximum(rows.amax(1, keepdim=True), -rows.amin(1, keepdim=True))
        scale = largest.clamp_(min=torch.finfo(torch.float32).tiny) / _LARGEST
        eights = (rows / scale).round_().add_(_ZERO).to(torch.uint8)
        weight, zeros = (self._weight, self._scale, self._zeros), (1.0, _ZERO)
        y = torch.ops.onednn.qlinear_pointwise(
            *(eights, *zeros, *weight), None, 1.0, 0, torch.float32, "none", [], ""
        )
        y = y.mul_(scale) if self.bias is None else torch.addcmul(self.bias, y, scale)
        return y.to(x.dtype).reshape(*x.shape[:-1], self.out_features)


def replace_linear(module: nn.Module) -> None:
    """Replace every linear layer in a module on the CPU, in place."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, Int8Linear(child))
        else:
            replace_linear(child)
