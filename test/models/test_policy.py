from pathlib import Path

import numpy as np
import pytest
import torch

from vla_ros.core.errors import CheckpointError, MessageError, ParameterError
from vla_ros.models.experts import bounded
from vla_ros.models.policy import Actor, load_actor

HEADS = ("regression", "flow")
INPUT_SETS = [(True, True), (True, False), (False, True), (False, False)]


def _actor(folder: Path, head: str, sensor: bool = True, state: bool = True, seed: int = 0):
    return load_actor(
        folder, head, use_sensor=sensor, use_robot_states=state, device="cpu", seed=seed
    )


def _inputs(actor: Actor, seed: int = 0) -> list:
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(actor.config.feature_dim).astype(np.float32)]
    for name in ("sensor", "robot_states"):
        window = actor.config.window(name)
        array = rng.standard_normal((window.window, window.channels)).astype(np.float32)
        arrays.append(array if name in actor.inputs else None)
    return arrays


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(("sensor", "state"), INPUT_SETS)
def test_chunk_of_every_expert(tiny: Path, head: str, sensor: bool, state: bool) -> None:
    actor = _actor(tiny, head, sensor, state)
    result = actor.act(*_inputs(actor))
    assert result.chunk.shape == (8, 7)
    assert result.chunk.dtype == np.float32
    names = [stage.name for stage in result.stages]
    assert names == ["sensor_encode"] * sensor + ["state_encode"] * state + ["action"]
    starts = [stage.start_ns for stage in result.stages]
    assert starts == sorted(starts)
    assert all(stage.duration_ns > 0 for stage in result.stages)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(("sensor", "state"), INPUT_SETS)
def test_split_way_equals_the_plain_forward(
    tiny: Path, head: str, sensor: bool, state: bool
) -> None:
    actor = _actor(tiny, head, sensor, state)
    config = actor.config
    for seed in (1, 1, 2):  # the same features again: from what was kept
        arrays = _inputs(actor, seed)
        noise = torch.randn(1, 8, 7, generator=actor._noise.clone_state())
        chunk = actor.act(*arrays).chunk
        parts = {"features": torch.from_numpy(arrays[0])[None]}
        for name, array in zip(("sensor", "robot_states"), arrays[1:], strict=True):
            if array is not None:
                parts[name] = actor._encoders[name](torch.from_numpy(array)[None])
        with torch.inference_mode():
            raw = actor._expert(parts, noise)[0]
        plain = bounded(raw, torch.tensor(config.max_delta), config.gripper)
        np.testing.assert_allclose(chunk, plain.detach(), atol=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_every_input_counts(tiny: Path, head: str) -> None:
    base = _inputs(_actor(tiny, head))
    chunk = _actor(tiny, head).act(*base).chunk
    for index in range(3):
        other = [array.copy() for array in base]
        other[index][-1] += 1.0
        assert np.abs(_actor(tiny, head).act(*other).chunk - chunk).max() > 1e-7


def test_features_changed_in_place_are_seen(tiny: Path) -> None:
    actor = _actor(tiny, "regression")
    features, sensor, state = _inputs(actor)
    before = actor.act(features, sensor, state).chunk
    features[:] = -features
    assert not np.array_equal(actor.act(features, sensor, state).chunk, before)


@pytest.mark.parametrize("head", HEADS)
def test_actions_stay_within_the_limits(tiny: Path, head: str) -> None:
    actor = _actor(tiny, head)
    arrays = [1e6 * array for array in _inputs(actor)]
    chunk = actor.act(*arrays).chunk
    assert (np.abs(chunk[:, :6]) <= np.float32(actor.config.max_delta)).all()
    assert ((chunk[:, 6] >= 0) & (chunk[:, 6] <= 1)).all()


def test_bounded_reaches_its_limits() -> None:
    limits = torch.tensor([0.005] * 3 + [0.035] * 3)
    raw = torch.tensor([[100.0, -100.0, 0.0, 100.0, -100.0, 0.0, 100.0]])
    wanted = torch.tensor([[0.005, -0.005, 0.0, 0.035, -0.035, 0.0, 1.0]])
    torch.testing.assert_close(bounded(raw, limits, True), wanted)
    torch.testing.assert_close(bounded(raw[:, :6], limits, False), wanted[:, :6])


def test_flow_repeats_by_its_seed(tiny: Path) -> None:
    def chunks(seed: int) -> np.ndarray:
        actor = _actor(tiny, "flow", seed=seed)
        arrays = _inputs(actor)
        return np.stack([actor.act(*arrays).chunk for _ in range(3)])

    first = chunks(7)
    assert np.array_equal(first, chunks(7))
    assert not np.array_equal(first, chunks(8))
    assert not np.array_equal(first[0], first[1])  # fresh noise each tick


def test_warm_up_leaves_the_noise_alone(tiny: Path) -> None:
    cold, warm = _actor(tiny, "flow"), _actor(tiny, "flow")
    warm.warm_up()
    arrays = _inputs(cold)
    assert np.array_equal(cold.act(*arrays).chunk, warm.act(*arrays).chunk)


def test_inputs_that_do_not_fit(tiny: Path) -> None:
    actor = _actor(tiny, "regression", sensor=True, state=False)
    features, sensor, _ = _inputs(actor)
    state = np.zeros((9, 12), np.float32)
    with pytest.raises(MessageError, match=r"shape \(63,\).*pooling mean .*\(64\) is wanted"):
        actor.act(features[:-1], sensor)
    with pytest.raises(MessageError, match=r"sensor has the shape \(12, 30\).*wants \(13, 30\)"):
        actor.act(features, sensor[1:])
    with pytest.raises(MessageError, match="sensor is missing.*use features, sensor"):
        actor.act(features)
    with pytest.raises(MessageError, match="robot_states is given.*use features, sensor"):
        actor.act(features, sensor, state)


def test_no_such_head_or_inputs(copy: Path) -> None:
    with pytest.raises(CheckpointError, match="no head 'diffusion'; it has: regression, flow"):
        load_actor(copy, "diffusion")
    config = copy / "config.json"
    text = config.read_text()
    sets = text[text.index('"input_sets"') : text.index('"heads"')]
    config.write_text(text.replace(sets, '"input_sets": [["sensor", "robot_states"]],\n  '))
    with pytest.raises(CheckpointError) as caught:
        _actor(copy, "regression", sensor=False)
    assert "no expert for vl+robot_states (use_sensor is False" in str(caught.value)
    assert "it has experts for: vl+sensor+robot_states" in str(caught.value)


def test_no_such_device(tiny: Path) -> None:
    with pytest.raises(ParameterError, match="device is 'tpu'; auto, cpu, cuda or cuda:N"):
        load_actor(tiny, device="tpu")
    with pytest.raises(ParameterError, match="cuda:99.*CUDA devices"):
        load_actor(tiny, device="cuda:99")
    with pytest.raises(ParameterError, match="threads is -1"):
        load_actor(tiny, threads=-1)


def test_the_solver_of_the_flow_head_is_a_parameter(tiny: Path) -> None:
    options = {"use_sensor": False, "use_robot_states": False, "device": "cpu"}
    features, chunks = np.full(64, 0.3, np.float32), {}
    for name, steps in (("euler", 0), ("euler", 10), ("euler", 2), ("rk4", 2)):
        actor = load_actor(tiny, "flow", **options, flow_solver=name, flow_steps=steps)
        chunks[name, steps] = actor.act(features).chunk
    assert np.array_equal(chunks["euler", 0], chunks["euler", 10])  # the checkpoint's own
    assert not np.array_equal(chunks["euler", 2], chunks["euler", 10])
    assert not np.array_equal(chunks["euler", 2], chunks["rk4", 2])
    with pytest.raises(ParameterError, match="flow_solver is 'heun'.*euler or rk4"):
        load_actor(tiny, "flow", **options, flow_solver="heun")
    load_actor(tiny, "regression", **options, flow_solver="rk4")  # has nothing to integrate
