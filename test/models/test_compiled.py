"""What compiles the encoder: equal to the plain way, and not in the way where it cannot work."""

import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from vla_ros.core.errors import ParameterError
from vla_ros.models import compiled, cuda_graph, policy
from vla_ros.models.compiled import OrPlain, Runner
from vla_ros.models.cuda_graph import Graphs, captured
from vla_ros.models.policy import load_actor
from vla_ros.models.view_gate import Reuse
from vla_ros.models.vl_encoder import VlEncoder, load_encoder

TEXT = "insert the needle into the blue point"


class Recorded:
    """Has a CUDA graph's habits: sizes are fixed, inputs are copied, results overwritten."""

    def __init__(self, function, *examples) -> None:
        self._function = function
        self._inputs = [example.clone() for example in examples]
        self._outputs = [made.clone() for made in function(*self._inputs)]

    def __call__(self, *tensors):
        for kept, given in zip(self._inputs, tensors, strict=True):
            assert kept.shape == given.shape
            kept.copy_(given)
        for kept, made in zip(self._outputs, self._function(*self._inputs), strict=True):
            kept.copy_(made)
        return tuple(self._outputs)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Recorded]:
    """All that was captured."""
    made: list[Recorded] = []

    def capture(*given) -> Recorded:
        made.append(Recorded(*given))
        return made[-1]

    monkeypatch.setattr(cuda_graph, "captured", capture)
    return made


def _with_graphs(encoder: VlEncoder) -> VlEncoder:
    encoder._vlm.compile("auto", torch.device("cuda"))
    return encoder


def test_graphs_give_what_the_plain_encoder_gives(tiny: Path, views, recorded) -> None:
    reuse = Reuse(threshold=1.0, max_age_s=3600.0, static_first=True)
    plain = load_encoder(tiny, device="cpu", dtype="float32", reuse=reuse)
    graphs = _with_graphs(load_encoder(tiny, device="cpu", dtype="float32", reuse=reuse))
    images = views(3)
    changed = [images[0], 255 - images[1], images[2]]
    other = views(3, 60, 90)
    for given in (images, changed, images, other, changed[:2], other):
        wanted, got = plain.encode(given, TEXT), graphs.encode(given, TEXT)
        np.testing.assert_allclose(got.data, wanted.data, atol=1e-6)
        assert got.computed == wanted.computed
    assert len(recorded) > 4


def test_warm_up_captures_what_encodes_of_that_size_need(tiny: Path, views, recorded) -> None:
    graphs = _with_graphs(load_encoder(tiny, device="cpu", dtype="float32"))
    graphs.warm_up(90, 160)
    before = len(recorded)
    graphs.encode(views(5), "warm up")
    graphs.encode(views(5)[::-1], "warm up")
    assert before == len(recorded) == 3  # vision, the text's beginning, the rest


def test_what_graphs_return_is_not_overwritten(recorded) -> None:
    graphs = Graphs()
    (one,) = graphs("key", lambda x: (2 * x,), torch.ones(3))
    (other,) = graphs("key", lambda x: (2 * x,), torch.zeros(3))
    assert one.tolist() == [2.0] * 3 and other.tolist() == [0.0] * 3
    for size in range(1, 30):
        assert len(graphs("key", lambda x: (x + 1,), torch.zeros(size))[0]) == size
    assert len(graphs._graphs) <= cuda_graph._KEPT


def test_compiled_blocks_give_what_the_plain_ones_give(tiny: Path, views) -> None:
    plain = load_encoder(tiny, device="cpu", dtype="float32", compiled="off")
    fast = load_encoder(tiny, device="cpu", dtype="float32", compiled="off")
    for runner in (fast._vlm.vision.runner, fast._vlm._language.runner):
        # "eager" traces as torch.compile does, and leaves out the C++ compiler's minute.
        compiled_block = OrPlain(runner.block, backend="eager")
        runner.block = compiled_block
    wanted, got = (encoder.encode(views(2), TEXT).data for encoder in (plain, fast))
    assert float(wanted @ got / np.linalg.norm(wanted) / np.linalg.norm(got)) >= 0.999999
    assert compiled_block.compiled


def test_what_does_not_compile_runs_plainly_and_says_so_once() -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no compiler here\nmore")

    runner = Runner(lambda x: x + 1)
    runner.block = block = OrPlain(runner.block, backend=broken)
    with pytest.warns(UserWarning, match="without torch.compile: .*no compiler here"):
        assert runner.block(torch.ones(1)) == 2
    assert not block.compiled
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert runner.block(torch.ones(1)) == 2


def test_the_cpu_compiles_when_told_to() -> None:
    for choice, wanted in (("auto", False), ("off", False), ("on", True)):
        runner = Runner(torch.relu)
        runner.compile(choice, torch.device("cpu"))
        assert isinstance(runner.block, OrPlain) is wanted
        assert runner.whole is compiled._plainly
    off = Runner(torch.relu)
    off.compile("off", torch.device("cuda"))
    assert off.whole is compiled._plainly


def test_no_such_choice(tiny: Path) -> None:
    with pytest.raises(ParameterError, match="compiled is 'yes'; auto, on, off is allowed"):
        load_encoder(tiny, device="cpu", compiled="yes")


@pytest.mark.parametrize("head", ["regression", "flow"])
def test_a_compiled_tick_gives_what_the_plain_one_gives(
    tiny: Path, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "OrPlain", partial(OrPlain, backend="eager"))
    plain = load_actor(tiny, head, device="cpu", compiled="off")
    fast = load_actor(tiny, head, device="cpu", compiled="on")
    fast.warm_up()
    assert isinstance(fast._decode, OrPlain)
    rng = np.random.default_rng(0)
    windows = [fast.config.window(name) for name in ("sensor", "robot_states")]
    for _ in range(3):
        features = rng.standard_normal(fast.config.feature_dim, np.float32)
        rest = [rng.standard_normal((w.window, w.channels), np.float32) for w in windows]
        wanted, got = plain.act(features, *rest).chunk, fast.act(features, *rest).chunk
        np.testing.assert_allclose(got, wanted, atol=1e-6)
    assert fast._decode.compiled


def test_an_actor_says_which_choices_there_are(tiny: Path) -> None:
    with pytest.raises(ParameterError, match="compiled is 'yes'; auto, on, off is allowed"):
        load_actor(tiny, device="cpu", compiled="yes")


class OnCuda:
    """Looks like a tensor that is there."""

    is_cuda = True


def test_what_cannot_be_captured_runs_plainly_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("operation not permitted\nwhen stream is capturing")

    monkeypatch.setattr(cuda_graph, "_Graph", refuse)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    with pytest.warns(UserWarning, match="without a CUDA graph: operation not permitted when"):
        assert captured(refuse, OnCuda()) is refuse
