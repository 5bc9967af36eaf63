"""Replays what a function of fixed sizes gave the GPU to do, without the launches between."""

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")  # a tensor, or tensors
_KEPT = 8  # graphs of one `Graphs`; each holds memory of its own
_LONGEST = 200  # of a reason that is told [characters]


def short(error: Exception) -> str:
    """Return what an error says, on one line and not more than one."""
    return " ".join(str(error).split())[:_LONGEST]


def captured(function: Callable[..., Result], *examples: Tensor) -> Callable[..., Result]:
    """Return a function that does what `function` does for tensors of the examples' sizes.

    On CUDA it copies its arguments in and replays a graph (https://pytorch.org/docs/stable/notes/
    cuda.html#cuda-graphs); its result is overwritten by the next call. Elsewhere, or where the
    capture does not work (which warns), it is `function` itself.
    """
    if not all(example.is_cuda for example in examples):
        return function
    try:
        return _Graph(function, examples)
    except RuntimeError as error:  # what cannot be captured; the plain way is as right
        warnings.warn(f"runs without a CUDA graph: {short(error)}", stacklevel=2)
        torch.cuda.synchronize()
        return function


class Graphs:
    """Runs functions of tensors as graphs, one for each function's key and the tensors' sizes.

    What a call returns is the caller's: no later call writes to it.
    """

    def __init__(self) -> None:
        """Begin without graphs."""
        self._graphs: dict[object, Callable[..., tuple[Tensor, ...]]] = {}

    def __call__(
        self, key: object, function: Callable[..., tuple[Tensor, ...]], *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        """Return what `function`, which `key` stands for, makes of the tensors."""
        sizes = key, tuple(tensor.shape for tensor in tensors)
        if sizes not in self._graphs:
            if len(self._graphs) == _KEPT:
                self._graphs.clear()
            self._graphs[sizes] = captured(function, *tensors)
        return tuple(made.clone() for made in self._graphs[sizes](*tensors))


class _Graph:
    """A captured function with its own inputs and output."""

    def __init__(self, function: Callable[..., Any], examples: tuple[Tensor, ...]) -> None:
        self._function = function  # the graph reads tensors that only the function holds
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

    def __call__(self, *tensors: Tensor) -> Any:
        for kept, given in zip(self._inputs, tensors, strict=True):
            kept.copy_(given)
        self._graph.replay()
        return self._output
