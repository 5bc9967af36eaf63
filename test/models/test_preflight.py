import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from vla_ros.core.errors import CheckpointError, ParameterError
from vla_ros.models.costs import EncodeCost, encode_cost, weights
from vla_ros.models.hardware import matrix_rate
from vla_ros.models.preflight import preflight
from vla_ros.models.vl_encoder import load_encoder

COST = EncodeCost(5980, 1545, 60e9, 40e9, 30_000_000)


@pytest.mark.parametrize("layout", ["joint", "per_view"])
def test_operations_are_those_that_torch_counts(tiny, copy, views, layout: str) -> None:
    config = (copy / "config.json").read_text().replace('"joint"', f'"{layout}"')
    (copy / "config.json").write_text(config)
    encoder = load_encoder(copy, device="cpu", dtype="float32")
    images = [*views(2), *views(1, 112, 300)]
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        encoded = encoder.encode(images, "go")
    cost = encoder.cost(encoded)
    assert cost.tokens == encoded.total_tokens
    assert cost.patches == encoded.image_grid_thw.prod(-1).sum()
    # torch counts causal attention as if it were whole; the text before an image is kept
    assert 0.9 < cost.flops / counter.get_total_flops() < 1.05


def test_the_3b_shape_at_five_views() -> None:
    """The physical limit known for it: 16.8 TFLOP."""
    from vla_ros.models.costs import _qwen_vision
    from vla_ros.models.recipes import RECIPES

    fixed = {"spatial_merge_size": 2, "patch_size": 14, "window_size": 112}
    vision = RECIPES["3b"].vision | fixed | {"out_hidden_size": 2048}
    flops = _qwen_vision(vision, [[1, 26, 46]] * 5)
    layer = 2048 * (2048 + 512) + 2048 * 2048 + 3 * 2048 * 11008
    flops += 36 * (2 * 1545 * layer + 2 * 1545**2 * 2048)
    assert 16.0e12 < flops < 17.5e12


def test_weights_of_a_folder(tiny, tmp_path) -> None:
    held = weights(tiny / "vlm")
    assert held.size == 4 * held.parameters  # float32
    assert held.vision > 0 and held.language > 0
    assert held.vision + held.language < held.parameters
    with pytest.raises(CheckpointError, match="holds no .safetensors"):
        weights(tmp_path)


def test_another_family_is_estimated_by_its_products(tiny, copy) -> None:
    config = copy / "vlm" / "config.json"
    config.write_text(config.read_text().replace('"qwen2_5_vl"', '"another"'))
    cost = encode_cost(copy / "vlm", [[1, 4, 4]], [20])
    assert cost.vision_flops == 2 * 16 * weights(copy / "vlm").vision


def test_matrix_rate_is_that_of_a_product() -> None:
    assert 1e8 < matrix_rate(torch.device("cpu"), torch.float32, repeats=2) < 1e15


def test_a_sound_configuration() -> None:
    flight = preflight(COST, 200e9, encode_s=0.8, rate_hz=1.0)
    flight.check()
    assert flight.limit_s == pytest.approx(0.5)
    assert flight.share == pytest.approx(0.625)
    assert flight.feature_rate_hz == 1.0
    assert (flight.youngest_s, flight.oldest_s) == pytest.approx((0.85, 1.85))
    assert flight.coverage == pytest.approx(8.0) and flight.warnings() == []
    assert "1545 tokens, 100.0 GFLOP" in str(flight)
    assert preflight(COST, 200e9).encode_s == pytest.approx(1.0)  # nothing timed: half the rate
    assert preflight(COST, 200e9, rate_hz=0.0).feature_rate_hz == pytest.approx(1.0)


def test_features_too_old_from_the_first_encode_on() -> None:
    flight = preflight(COST, 20e9, encode_s=6.0)
    with pytest.raises(ParameterError) as error:
        flight.check()
    for name in ("checkpoint", "device", "threads", "views", "features_hard_s is 5"):
        assert name in str(error.value)


def test_one_slow_encode_is_no_proof() -> None:
    flight = preflight(COST, 200e9, encode_s=6.0)  # it should take 1 s
    flight.check()
    assert "unless encodes become faster" in flight.warnings()[0]


def test_chunks_that_end_too_early() -> None:
    with pytest.raises(ParameterError, match="rate_hz of action .* horizon"):
        preflight(COST, 200e9, action_rate_hz=1.0).check()


@pytest.mark.parametrize(("took_s", "says"), [(1.6, "slowed down"), (2.8, "will hold each time")])
def test_what_works_but_not_well(took_s: float, says: str) -> None:
    flight = preflight(COST, 200e9, encode_s=took_s)
    flight.check()
    assert says in flight.warnings()[0]
