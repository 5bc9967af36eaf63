import dataclasses
import json

import pytest

from vla_ros.models.recipes import RECIPES
from vla_ros.tools import benchmark_encoder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded shape with fewer layers."""
    recipe = RECIPES["embedded"]
    vision = recipe.vision | {"depth": 2, "fullatt_block_indexes": [1]}
    few = dataclasses.replace(recipe, text=recipe.text | {"num_hidden_layers": 1}, vision=vision)
    monkeypatch.setitem(RECIPES, "embedded", few)


@pytest.mark.parametrize("layout", ["joint", "per_view"])
def test_the_last_line_has_the_numbers_and_their_proof(small, layout, capsys) -> None:
    options = ["--views", "2", "--size", "160x90", "--iterations", "2", "--device", "cpu"]
    assert benchmark_encoder.main([*options, "--layout", layout]) == 0
    printed = capsys.readouterr()
    result = json.loads(printed.out.splitlines()[-1])
    for name in ("reference_s", "ours_s", "ratio", "gated_ratio", "share_of_limit"):
        assert result[name] > 0
    assert result["ratio"] == pytest.approx(result["reference_s"] / result["ours_s"])
    assert result["cosine_min"] >= 0.999
    assert result["view_tokens"] == [18, 18] and result["tokens"] > 36
    assert len(set(result["image_hashes"])) == 2  # new images every time
    assert "3/3" in printed.err  # one warms up


def test_what_quantising_gets_wrong(small, capsys) -> None:
    options = ["--views", "2", "--size", "160x90", "--iterations", "2", "--device", "cpu"]
    assert benchmark_encoder.main([*options, "--quantize", "int8"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["quantize"] == "int8" and result["quantized_s"] > 0
    assert result["quantized_ratio"] == result["reference_s"] / result["quantized_s"]
    assert 0.999 < result["quantized_cosine_min"] < 1.0
    assert 1e-4 < result["quantized_error_max"] < 0.05
    assert result["cosine_min"] >= 0.999  # of the way that is not quantised


def test_what_cannot_be_measured(capsys) -> None:
    assert benchmark_encoder.main(["--device", "abacus"]) == 1
    assert "device is 'abacus'" in capsys.readouterr().err
