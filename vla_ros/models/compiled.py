"""What compiles models, behind one switch: CUDA graphs, or torch.compile on a CPU."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vla_ros.core.errors import ParameterError
from vla_ros.models.cuda_graph import Graphs, short

CHOICES = ("auto", "on", "off")
Tensors = tuple[Tensor, ...]


def check_compiled(choice: str) -> None:
    """Raise ParameterError unless there is such a choice."""
    if choice not in CHOICES:
        raise ParameterError(f"compiled is {choice!r}; {', '.join(CHOICES)} is allowed")


class Runner:
    """Runs a stack of blocks: as they are written, until it is told to compile."""

    def __init__(self, block: Callable[..., Any]) -> None:
        """Take the function of one block; it must not change its arguments."""
        self.block = block
        self.whole: Callable[..., Tensors] = _plainly

    def compile(self, choice: str, device: torch.device) -> None:
        """Compile from now on, as the choice and the device have it.

        On CUDA, `auto` and `on` capture the whole stack for each set of sizes. On a CPU `on`
        compiles the block for each, and `auto` does not: it takes longer than many encodes.
        """
        if device.type == "cuda" and choice != "off":
            self.whole = Graphs()
        elif choice == "on":
            self.block = OrPlain(self.block)


def _plainly(_key: object, function: Callable[..., Tensors], *tensors: Tensor) -> Tensors:
    return function(*tensors)


class OrPlain:
    """A compiled function that becomes the plain one again where compiling does not work."""

    def __init__(self, function: Callable[..., Any], backend: Any = "inductor") -> None:
        """Take a function that does not change its arguments, and what torch compiles it with."""
        self._plain = function
        self._function = torch.compile(function, dynamic=False, backend=backend)

    @property
    def compiled(self) -> bool:
        """Return whether the compiled function is in use."""
        return self._function is not self._plain

    def __call__(self, *given: Any) -> Any:
        """Return what the function makes of the arguments."""
        if not self.compiled:
            return self._plain(*given)
        try:
            return self._function(*given)
        except RuntimeError as error:  # no compiler, or one that fails; the plain way is as right
            warnings.warn(f"runs without torch.compile: {short(error)}", stacklevel=2)
            self._function = self._plain
            return self._plain(*given)
