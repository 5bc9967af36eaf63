import dataclasses

import pytest
import torch
from tiny_policy import tiny_recipe

from vla_ros.models.blocks import Block, Fuse, WindowEncoder
from vla_ros.models.config import INPUTS
from vla_ros.models.cuda_graph import captured
from vla_ros.models.experts import EXPERTS, FlowExpert
from vla_ros.models.solvers import SOLVERS

CONFIG = tiny_recipe().policy


def _parts(batch: int) -> dict[str, torch.Tensor]:
    return {name: torch.randn(batch, dim) for name, dim in CONFIG.part_dims(INPUTS).items()}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("head", EXPERTS)
def test_experts_take_batches(head: str) -> None:
    expert = EXPERTS[head](CONFIG, INPUTS).eval()
    parts, noise = _parts(3), torch.randn(3, 8, 7)
    together = expert(parts, noise)
    assert together.shape == (3, 8, 7)
    for row in range(3):
        alone = expert({k: v[row : row + 1] for k, v in parts.items()}, noise[row : row + 1])
        torch.testing.assert_close(alone[0], together[row])


def test_fuse_splits_at_the_features() -> None:
    fuse = Fuse(CONFIG.part_dims(INPUTS), 32, torch.nn.Identity())
    parts = _parts(2)
    rest = {name: parts[name] for name in INPUTS}
    split = fuse.add_rest(fuse.features_part(parts["features"]), rest)
    torch.testing.assert_close(split, fuse(parts))


@pytest.mark.parametrize("steps", [1, 4, 25])
def test_euler_follows_a_constant_velocity_exactly(steps: int) -> None:
    config = dataclasses.replace(CONFIG, flow_steps=steps)
    expert = FlowExpert(config, ()).eval()
    torch.nn.init.zeros_(expert.out.weight)
    velocity = expert.out.bias.detach().reshape(8, 7)
    noise = torch.randn(1, 8, 7)
    parts = {"features": torch.randn(1, 64)}
    torch.testing.assert_close(expert(parts, noise)[0], noise[0] + velocity)
    decoded = expert.decode(expert.prepare(parts["features"]), {}, noise)
    torch.testing.assert_close(decoded[0], noise[0] + velocity)


def test_more_euler_steps_come_closer() -> None:
    fine = FlowExpert(dataclasses.replace(CONFIG, flow_steps=400), INPUTS).eval()
    parts, noise = _parts(1), torch.randn(1, 8, 7)
    exact = fine(parts, noise)
    errors = []
    for steps in (5, 10, 20):
        fine.use_solver("euler", steps)
        errors.append((fine(parts, noise) - exact).abs().max().item())
    assert errors[0] > errors[1] > errors[2]


def test_velocity_depends_on_the_time() -> None:
    expert = FlowExpert(CONFIG, ()).eval()
    x, condition = torch.randn(2, 56), torch.randn(1, 32).expand(2, -1)
    x[1] = x[0]
    early, late = expert.velocity(x, torch.tensor([0.1, 0.9]), condition)
    assert (early - late).abs().max() > 1e-5


def test_block_without_modulation_is_the_neutral_one() -> None:
    block = Block(16)
    x = torch.randn(2, 16)
    torch.testing.assert_close(block(x), block(x, torch.zeros(2, 48)))


def test_window_encoder_normalises_and_sees_the_order() -> None:
    assert CONFIG.sensor is not None
    encoder = WindowEncoder(CONFIG.sensor).eval()
    window = torch.randn(1, 13, 30)
    plain = encoder(window)
    assert plain.shape == (1, 24)
    assert (encoder(window.flip(1)) - plain).abs().max() > 1e-4
    encoder.mean.fill_(3.0)
    encoder.std.fill_(2.0)
    torch.testing.assert_close(encoder(window * 2 + 3), plain, atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_token_pool_takes_any_number_and_no_order() -> None:
    from vla_ros.models.pooling import TokenPool

    pool, tokens = TokenPool(8, 4), torch.randn(2, 9, 8)
    assert pool(tokens).shape == (2, 32)
    torch.testing.assert_close(pool(tokens.flip(1)), pool(tokens))
    assert pool(tokens[:, :1]).shape == (2, 32)
    assert not torch.allclose(pool(tokens[:, :5]), pool(tokens), atol=1e-3)


@pytest.mark.parametrize("name", SOLVERS)
@torch.inference_mode()
def test_the_split_way_is_the_same_with_every_solver(name: str) -> None:
    flow = FlowExpert(CONFIG, INPUTS).eval()
    flow.use_solver(name, 6)
    parts, noise = _parts(1), torch.randn(1, 8, 7)
    rest = {key: part for key, part in parts.items() if key != "features"}
    decoded = flow.decode(flow.prepare(parts["features"]), rest, noise)
    torch.testing.assert_close(decoded, flow(parts, noise), atol=2e-5, rtol=0)


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_on_a_known_equation(name: str) -> None:
    solver, steps = SOLVERS[name], 50
    times = solver.times(steps).double()

    def velocity(x: torch.Tensor, number: int) -> torch.Tensor:
        return x * times[number]  # dx/dt = x t: x(1) = x(0) sqrt(e)

    end = solver.integrate(torch.ones(1, dtype=torch.float64), steps, velocity)
    assert end.item() == pytest.approx(torch.e**0.5, rel={"euler": 0.02, "rk4": 1e-6}[name])


def test_only_cuda_captures() -> None:
    assert captured(torch.relu, torch.zeros(2)) is torch.relu
