"""Replays what a function of fixed sizes gave the GPU to do, without the launches between."""

from collections.abc import Callable

import torch
from torch import Tensor

Function = Callable[..., Tensor]


def captured(function: Function, *examples: Tensor) -> Function:
    """Return a function that does what `function` does for tensors of the examples' sizes.

    On CUDA it copies its arguments in and replays a graph (https://pytorch.org/docs/stable/notes/
    cuda.html#cuda-graphs); its result is overwritten by the next call. Elsewhere, or where the
    capture does not work, it is `function` itself.
    """
    if not all(example.is_cuda for example in examples):
        return function
    try:
        return _Graph(function, examples)
    except RuntimeError:  # an operation that cannot be captured; the plain way is as right
        torch.cuda.synchronize()
        return function


class _Graph:
    """A captured function with its own inputs and output."""

    def __init__(self, function: Function, examples: tuple[Tensor, ...]) -> None:
        self._inputs = [example.clone() for example in examples]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):  # libraries allocate what they need with the first calls
                function(*self._inputs)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._output = function(*self._inputs)

    def __call__(self, *tensors: Tensor) -> Tensor:
        for kept, given in zip(self._inputs, tensors, strict=True):
            kept.copy_(given)
        self._graph.replay()
        return self._output
