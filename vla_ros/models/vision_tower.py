"""The vision tower of Qwen2.5-VL without a loop over its attention windows.

The blocks are those of the loaded model; what differs is the order of the patches. Windows of
equal length lie side by side, across all views, so each length is one attention call of a layer,
and so are the views of equal size in the layers that attend to a whole view.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from vla_ros.models.compiled import Runner
from vla_ros.models.transformer_parts import gated_mlp, interleave_, rms_norm, rotate_, turns

Grid = tuple[tuple[int, int, int], ...]  # temporal, height, width patches of each view
_KEPT = 16  # plans; a set of cameras has one size


@dataclass(frozen=True, slots=True)
class _Run:
    """Groups of patches that attend within themselves: `count` of them, each of `length`."""

    where: slice | Tensor  # the (count * length) patches, group after group
    count: int
    length: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """What follows from the sizes of the views alone."""

    order: Tensor  # (N,) the processor's number of each patch, in the tower's order
    units: Tensor  # (N / merged,) the tower's number of each merged patch, in the processor's order
    turn: Tensor  # (N, 1, 1, head_dim / 2) what turns queries and keys by their position
    windows: tuple[_Run, ...]
    views: tuple[_Run, ...]
    tokens: tuple[int, ...]  # merged patches of each view


class VisionTower:
    """Runs a loaded Qwen2.5-VL vision tower; equal to its own forward within rounding.

    It reorders the tower's query and key weights, so its own forward is of no use after.
    """

    def __init__(self, visual: Any) -> None:
        """Take the module `visual` of the model; its weights are used where they are."""
        self._visual = visual
        self._whole = frozenset(visual.config.fullatt_block_indexes)
        self._heads = visual.config.num_heads
        kernel = visual.patch_embed.proj.weight  # (hidden, channels, temporal, patch, patch)
        self._kernel = kernel.flatten(1)
        # A still image repeated along time: the sum of the kernel's slices sees it once.
        self._still = kernel.float().sum(2).flatten(1).to(kernel.dtype)
        head_dim = visual.config.hidden_size // self._heads
        for block in visual.blocks:
            interleave_(block.attn.qkv, 2 * self._heads, head_dim)
        self._plans: dict[Grid, _Plan] = {}
        self.runner = Runner(self._block)

    def __call__(self, patches: Tensor, grid: Tensor) -> Sequence[Tensor]:
        """Return the merged patches of each view, (tokens, D) each.

        Args:
            patches: (N, values of a patch), as the image processor gives them, or without the
                repetition along time.
            grid: (V, 3) temporal, height and width patches of each view, on the CPU.
        """
        sizes: Grid = tuple(tuple(view) for view in grid.tolist())
        plan = self._plan(sizes, patches.device)
        (tokens,) = self.runner.whole(sizes, partial(self._tokens, plan), patches)
        return tokens.split(plan.tokens)

    def _tokens(self, plan: _Plan, patches: Tensor) -> tuple[Tensor]:
        still = patches.shape[1] == self._still.shape[1]
        weight = self._still if still else self._kernel
        x = functional.linear(patches.to(weight.dtype), weight)[plan.order]
        for number, block in enumerate(self._visual.blocks):
            whole = number in self._whole
            x = self.runner.block(block, x, plan.turn, plan.views if whole else plan.windows)
        return (self._visual.merger(x)[plan.units],)

    def _block(self, block: Any, x: Tensor, turn: Tensor, runs: Sequence[_Run]) -> Tensor:
        qkv = block.attn.qkv(rms_norm(block.norm1, x)).view(len(x), 3, self._heads, -1)
        rotate_(qkv[:, :2], turn)
        attended = torch.empty_like(x)
        for run in runs:
            _attend(qkv, attended, run)
        x = x + block.attn.proj(attended)
        return x + gated_mlp(block.mlp, rms_norm(block.norm2, x))

    def _plan(self, grid: Grid, device: torch.device) -> _Plan:
        if grid not in self._plans:
            if len(self._plans) == _KEPT:
                self._plans.clear()
            self._plans[grid] = self._planned(grid, device)
        return self._plans[grid]

    def _planned(self, grid: Grid, device: torch.device) -> _Plan:
        config = self._visual.config
        merge = config.spatial_merge_size
        side = config.window_size // merge // config.patch_size
        frequencies = self._visual.rotary_pos_emb.inv_freq
        places, windows = _ordered(grid, merge, side)
        merged = torch.arange(merge**2)
        order = (places.units[:, None] * merge**2 + merged).flatten()
        turn = _turn(places.positions, merge, frequencies.cpu())
        lengths = [height * width for _, height, width in grid]
        owner = places.owner.repeat_interleave(merge**2)
        views = tuple(_views(owner, lengths, device))
        return _Plan(
            order=order.to(device),
            units=places.units.argsort().to(device),
            turn=turn.to(device),
            windows=windows,
            views=views,
            tokens=tuple(length // merge**2 for length in lengths),
        )


@dataclass(frozen=True, slots=True)
class _Places:
    """The merged patches in the tower's order."""

    units: Tensor  # (M,) the processor's number of each
    owner: Tensor  # (M,) its view
    positions: Tensor  # (M, 2) its row and column in the view


def _ordered(grid: Grid, merge: int, side: int) -> tuple[_Places, tuple[_Run, ...]]:
    """Order the merged patches by the length of their window, and by window.

    Args:
        grid: sizes of the views, in patches.
        merge: how many patches of a row, and of a column, become one.
        side: merged patches along a window's side; those at a border are cut off.
    """
    units = []
    for view, (_, height, width) in enumerate(grid):
        rows, columns = height // merge, width // merge
        row, column = (index.flatten() for index in _mesh(rows, columns))
        high = (rows - row // side * side).clamp(max=side)
        wide = (columns - column // side * side).clamp(max=side)
        window = row // side * columns + column // side
        unit = [high * wide, torch.full_like(row, view), window, row, column]
        units.append(torch.stack(unit, 1))
    table = torch.cat(units)
    keys = [-table[:, 0], table[:, 1], table[:, 2]]  # then row and column, as they are
    order = torch.arange(len(table))
    for key in reversed(keys):
        order = order[key[order].argsort(stable=True)]
    table = table[order]
    windows, start = [], 0
    for size in table[:, 0].unique().flip(0).tolist():
        inside = int((table[:, 0] == size).sum())
        end = start + inside * merge**2
        windows.append(_Run(slice(start, end), inside // size, size * merge**2))
        start = end
    return _Places(order, table[:, 1], table[:, 3:]), tuple(windows)


def _turn(positions: Tensor, merge: int, frequencies: Tensor) -> Tensor:
    """Return the turns (N, 1, 1, head_dim / 2) of the patches in merged ones at `positions`."""
    inside = torch.stack(_mesh(merge, merge), -1).view(1, merge**2, 2)
    patches = (positions[:, None] * merge + inside).view(-1, 2, 1)
    return turns((patches * frequencies.float()).view(-1, 1, 2 * len(frequencies)))


def _views(owner: Tensor, lengths: Sequence[int], device: torch.device) -> Iterator[_Run]:
    """Group the views by length; `owner` is the view of each patch."""
    for length in dict.fromkeys(lengths):
        alike = [view for view, other in enumerate(lengths) if other == length]
        places = torch.cat([(owner == view).nonzero()[:, 0] for view in alike])
        yield _Run(places.to(device), len(alike), length)


def _mesh(rows: int, columns: int) -> tuple[Tensor, ...]:
    return torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")


def _attend(qkv: Tensor, attended: Tensor, run: _Run) -> None:
    """Attend within each group of the run; qkv is (N, 3, heads, head_dim), attended (N, D)."""
    groups = qkv[run.where].view(run.count, run.length, *qkv.shape[1:])
    query, key, value = groups.permute(2, 0, 3, 1, 4).unbind(0)
    out = functional.scaled_dot_product_attention(query, key, value)
    attended[run.where] = out.transpose(1, 2).reshape(-1, attended.shape[1])
