import copy

import pytest
import torch
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLVisionConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
    Qwen2_5_VisionTransformerPretrainedModel,
)

from vla_ros.models.vision_tower import VisionTower

TOLERANCE = {torch.float32: 2e-6, torch.bfloat16: 0.03}


@pytest.fixture(scope="module")
def visual():
    torch.manual_seed(0)
    vision = {"depth": 3, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2}
    more = {"out_hidden_size": 24, "window_size": 112, "fullatt_block_indexes": [1]}
    config = Qwen2_5_VLVisionConfig(**vision, **more)
    return Qwen2_5_VisionTransformerPretrainedModel._from_config(config).eval()


def _patches(grid: torch.Tensor) -> torch.Tensor:
    """Patches of still images: the same at both times."""
    still = torch.rand(int(grid.prod(-1).sum()), 3, 1, 14, 14) * 2 - 1
    return still.expand(-1, -1, 2, -1, -1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "sizes",
    [
        [(8, 8)],  # one window
        [(2, 2)],  # less than one
        [(26, 46)] * 3,  # ragged at both borders, views alike
        [(26, 46), (8, 24), (26, 46), (10, 4)],  # sizes mixed
    ],
)
@torch.inference_mode()
def test_equals_the_plain_tower(visual, sizes, dtype) -> None:
    grid = torch.tensor([[1, *size] for size in sizes])
    plain = copy.deepcopy(visual).to(dtype)
    patches = _patches(grid)
    wanted = plain(patches.flatten(1).to(dtype), grid).pooler_output
    tower = VisionTower(plain)  # reorders the weights of `plain`
    for given in (patches.flatten(1), patches[:, :, 0].flatten(1)):
        views = tower(given, grid)
        assert [len(view) for view in views] == [h * w // 4 for h, w in sizes]
        assert (torch.cat(list(views)) - wanted).abs().max() < TOLERANCE[dtype]


@torch.inference_mode()
def test_a_view_is_not_touched_by_the_others(visual) -> None:
    tower = VisionTower(copy.deepcopy(visual))
    grid = torch.tensor([[1, 10, 12], [1, 10, 12], [1, 6, 4]])
    patches = _patches(grid).flatten(1)
    before = tower(patches, grid)
    changed = patches.clone()
    changed[120:240] *= -1
    after = tower(changed, grid)
    assert torch.equal(before[0], after[0]) and torch.equal(before[2], after[2])
    assert not torch.allclose(before[1], after[1], atol=1e-3)
    alone = tower(patches[240:], grid[2:])[0]
    torch.testing.assert_close(alone, before[2], atol=2e-6, rtol=0)


@torch.inference_mode()
def test_sizes_may_change_again_and_again(visual) -> None:
    tower = VisionTower(copy.deepcopy(visual))
    first = torch.tensor([[1, 4, 4]])
    patches = _patches(first).flatten(1)
    wanted = tower(patches, first)[0]
    for columns in range(2, 60, 2):
        grid = torch.tensor([[1, 2, columns]])
        assert len(tower(_patches(grid).flatten(1), grid)[0]) == columns // 2
    assert torch.equal(tower(patches, first)[0], wanted)
