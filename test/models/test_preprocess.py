from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoImageProcessor, Qwen2VLImageProcessorPil

from vla_ros.core.errors import CheckpointError, MessageError
from vla_ros.models.preprocess import PatchMaker, ProcessorCall, check_views, preprocess_for, resize

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def processor(tiny: Path):
    return AutoImageProcessor.from_pretrained(tiny / "vlm")


def _level(processor) -> float:
    """Return by how much the largest normalised value grows from one grey level to the next."""
    return processor.rescale_factor / min(processor.image_std)


@pytest.mark.parametrize(
    "size", [(360, 640), (480, 640), (97, 131), (131, 97), (300, 40), (28, 56), (20, 20)]
)
def test_patches_equal_the_processors_within_rounding(processor, views, size) -> None:
    images = views(3, *size)
    patches, grid = PatchMaker(processor, CPU)(images)
    wanted = processor(images=images, return_tensors="pt")
    assert torch.equal(grid, wanted["image_grid_thw"])
    assert patches.shape == wanted["pixel_values"].shape
    difference = (patches - wanted["pixel_values"]).abs()
    assert difference.max() <= 2.01 * _level(processor)
    assert difference.mean() <= 0.02 * _level(processor)


@pytest.mark.parametrize("size", [(90, 160), (480, 640)])
@pytest.mark.parametrize("vertical", [False, True])
def test_the_float_filter_of_other_devices_is_the_same(views, size, vertical: bool) -> None:
    pixels = torch.from_numpy(np.stack(views(2, *size))).permute(0, 3, 1, 2)
    whole = resize(pixels, (84, 168), vertical)
    floats = resize(pixels.float(), (84, 168), vertical)
    assert whole.dtype == torch.uint8 and floats.dtype == torch.float32
    difference = (floats - whole.float()).abs()
    assert difference.max() <= 2 and (difference > 0).float().mean() < 0.02
    assert torch.equal(floats, floats.round())


def test_mixed_sizes_keep_their_order(processor, views) -> None:
    images = [*views(1, 56, 84), *views(1, 84, 56), *views(1, 56, 84)]
    patches, grid = PatchMaker(processor, CPU)(images)
    assert grid.tolist() == [[1, 4, 6], [1, 6, 4], [1, 4, 6]]
    alone, _ = PatchMaker(processor, CPU)([images[1]])
    assert torch.equal(patches[24:48], alone)


def test_limits_on_pixels_are_kept(views) -> None:
    small = Qwen2VLImageProcessorPil(min_pixels=56 * 56, max_pixels=112 * 112)
    _, grid = preprocess_for(small, CPU)(views(1, 360, 640))
    assert grid[0, 1:].prod() * 14 * 14 <= 112 * 112


def test_other_settings_ask_the_processor_itself(views) -> None:
    odd = Qwen2VLImageProcessorPil(do_normalize=False)
    preprocess = preprocess_for(odd, CPU)
    assert isinstance(preprocess, ProcessorCall)
    patches, grid = preprocess(views(2))
    wanted = odd(images=views(2), return_tensors="pt")
    assert torch.equal(patches, wanted["pixel_values"])
    assert torch.equal(grid, wanted["image_grid_thw"])
    assert isinstance(preprocess_for(Qwen2VLImageProcessorPil(), CPU), PatchMaker)


def test_a_processor_of_another_family_is_refused(views) -> None:
    def other(images: list, return_tensors: str) -> dict:
        return {"pixel_values": torch.zeros(1)}

    with pytest.raises(CheckpointError, match="gives pixel_values; .*image_grid_thw is wanted"):
        ProcessorCall(other, CPU)(views(1))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ([], "0 views were given; the checkpoint takes 1 to 2"),
        ([np.zeros((4, 4, 3), np.uint8)] * 3, "3 views were given"),
        ([np.zeros((4, 4, 3), np.float32)], "view 1 is float32"),
        ([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8)], "view 2 is uint8 .*4, 4"),
        ([np.zeros((4, 4, 4), np.uint8)], r"\(4, 4, 4\)"),
        ([np.zeros((0, 4, 3), np.uint8)], r"\(0, 4, 3\)"),
    ],
)
def test_what_is_no_image_is_refused(bad: list, words: str) -> None:
    with pytest.raises(MessageError, match=words):
        check_views(bad, 2)
