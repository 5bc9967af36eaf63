"""How the flow-matching head gets from time 0 to 1 along its velocity."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Velocity = Callable[[Tensor, int], Tensor]  # at x, and at the time of this number


class Solver(NamedTuple):
    """An integrator of fixed steps, and the times at which it asks for the velocity."""

    times: Callable[[int], Tensor]
    integrate: Callable[[Tensor, int, Velocity], Tensor]


def _euler_times(steps: int) -> Tensor:
    return torch.arange(steps) / steps


def _euler(x: Tensor, steps: int, velocity: Velocity) -> Tensor:
    for step in range(steps):
        x = x + velocity(x, step) / steps
    return x


def _rk4_times(steps: int) -> Tensor:
    return torch.arange(2 * steps + 1) / (2 * steps)


def _rk4(x: Tensor, steps: int, velocity: Velocity) -> Tensor:
    """Classical Runge-Kutta: four velocities a step, an error that falls with its fourth power."""
    size = 1.0 / steps
    for step in range(steps):
        start = velocity(x, 2 * step)
        middle = velocity(x + size / 2 * start, 2 * step + 1)
        again = velocity(x + size / 2 * middle, 2 * step + 1)
        end = velocity(x + size * again, 2 * step + 2)
        x = x + size / 6 * (start + 2 * middle + 2 * again + end)
    return x


SOLVERS = {"euler": Solver(_euler_times, _euler), "rk4": Solver(_rk4_times, _rk4)}
