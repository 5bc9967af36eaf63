from dataclasses import replace

import numpy as np
import pytest
from conftest import made_up

from vla_ros.benchmark import workbench
from vla_ros.benchmark.configuration import Configuration
from vla_ros.benchmark.measure import Result, measure_all, steps
from vla_ros.benchmark.proof import ImagesLostError
from vla_ros.benchmark.workbench import Cycle, Options, Workbench
from vla_ros.core.errors import CheckpointError, ParameterError
from vla_ros.models.vl_encoder import load_encoder

CPU = Options(device="cpu", dtype="float32")


@pytest.fixture
def bench(tiny, recording) -> Workbench:
    return Workbench({"tiny": tiny}, recording, CPU)


def test_every_configuration_is_measured_in_turn(bench, base) -> None:
    configurations = [
        base,
        replace(base, reuse=3),
        replace(base, views=3, resolution="320x180"),
        replace(base, head="flow", sensor=False, layout="per_view"),
        replace(base, sensor=False, robot_states=False),
    ]
    told: list[str] = []
    results = measure_all(bench, {"all": configurations}, 2, 1, told.append)
    assert len(told) == steps({"all": configurations}, 2, 1) == 5 * 5
    assert [result.configuration for result in results] == configurations
    plain, reused, larger, apart, bare = results
    assert len(plain.samples_ms["vl"]) == len(plain.samples_ms["sensor"]) == 2
    assert len(reused.samples_ms["vl"]) == 2 and len(reused.samples_ms["action"]) == 6
    assert plain.about["view_tokens"] == [18, 18]
    assert larger.about["image_grid_thw"] == [[1, 12, 22]] * 3 and larger.about["tokens"] > 198
    assert apart.about["tokens"] != plain.about["tokens"]
    assert {"sensor", "state"}.isdisjoint(bare.samples_ms) and "sensor" not in apart.samples_ms
    for result in results:
        assert len(result.image_hashes) == 2 and result.image_hashes[0] != result.image_hashes[1]
        vision = sum(result.mean_ms(stage) for stage in ("preprocess", "vision", "language"))
        assert 0 < vision <= result.mean_ms("vl")
        parts = ("vl_per_tick", "sensor", "state", "action")
        assert sum(map(result.mean_ms, parts)) <= result.mean_ms("total")
        assert result.fps == pytest.approx(1e3 / result.mean_ms("total"))


def test_turns_begin_with_another_each_time(bench, base, monkeypatch) -> None:
    group = [replace(base, views=views) for views in (1, 2, 3)]
    ran: list[int] = []
    cycle = bench.cycle
    monkeypatch.setattr(bench, "cycle", lambda c: (ran.append(c.views), cycle(c))[1])
    measure_all(bench, {"views": group}, 3, 0, lambda what: None)
    assert ran == [1, 2, 3, 2, 3, 1, 3, 1, 2]


def test_reuse_divides_the_encode(bench, base) -> None:
    cycle = bench.cycle(replace(base, reuse=4))
    [vl], [per_tick], [total] = (cycle.stages_ms[s] for s in ("vl", "vl_per_tick", "total"))
    assert per_tick == vl / 4
    acted = sum(sum(cycle.stages_ms[s]) for s in ("sensor", "state", "action"))
    assert vl + acted <= 4 * total


@pytest.mark.parametrize("pooling", ["mean", "per_view", "tokens"])
def test_the_sets_of_a_batch_have_the_features_of_each_alone(
    tiny, base, recording, pooling, monkeypatch
) -> None:
    def load(*args, **options):
        encoder = load_encoder(*args, **options)
        encoder.config = replace(encoder.config, pooling=pooling)
        return encoder

    monkeypatch.setattr(workbench, "load_encoder", load)
    bench = Workbench({"tiny": tiny}, recording, CPU)
    both, one = replace(base, layout="per_view", batch=2), replace(base, layout="per_view")
    images = [recording.views[f"camera_{v}"][n].pixels for n in (0, 1) for v in (1, 2)]
    together = bench._features(both, bench.encoder(both).encode(images, "go"))
    assert len(together) == 2
    for number in (0, 1):
        pair = images[2 * number : 2 * number + 2]
        [alone] = bench._features(one, bench.encoder(one).encode(pair, "go"))
        np.testing.assert_allclose(together[number], alone, atol=1e-5)


def test_a_batch_acts_for_each_of_its_sets(bench, base) -> None:
    batch = replace(base, layout="per_view", batch=3, reuse=2)
    [result] = measure_all(bench, {"batch": [batch]}, 1, 0, lambda what: None)
    assert len(result.samples_ms["action"]) == 2  # ticks; of three sets each
    assert len(result.image_hashes[0]) == 3 * 2
    assert result.fps == pytest.approx(3e3 / result.mean_ms("total"))


class Blind:
    """An encoder that encodes black images, whatever it is given."""

    def __init__(self, encoder) -> None:
        self._encoder = encoder

    def __getattr__(self, name):
        return getattr(self._encoder, name)

    def encode(self, views, instruction, **more):
        return self._encoder.encode([np.zeros_like(view) for view in views], instruction, **more)


class Forgetful(Blind):
    """An encoder that leaves images out, as if it had features of them already."""

    def encode(self, views, instruction, **more):
        encoded = self._encoder.encode(views[:1], instruction, **more)
        return encoded


class Textual(Blind):
    """An encoder that says that the images have no tokens."""

    def encode(self, views, instruction, **more):
        encoded = self._encoder.encode(views, instruction, **more)
        return replace(encoded, view_tokens=encoded.view_tokens * 0)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Blind, "features stay the same when view 1 changes"),
        (Forgetful, "2 images went in, and 1 views with tokens came out"),
        (Textual, "view 1 has 0 tokens"),
    ],
)
def test_no_time_of_an_encoder_that_drops_its_images(
    tiny, base, recording, kind, reason, monkeypatch
) -> None:
    monkeypatch.setattr(workbench, "load_encoder", lambda *a, **o: kind(load_encoder(*a, **o)))
    bench = Workbench({"tiny": tiny}, recording, CPU)
    with pytest.raises(ImagesLostError, match=reason):
        measure_all(bench, {"stages": [base]}, 1, 0, lambda what: None)


def test_images_that_are_lost_after_the_proof(bench, base, monkeypatch) -> None:
    bench.prove(base)
    encoder = bench.encoder(base)
    sound = encoder.encode
    monkeypatch.setattr(encoder, "encode", lambda images, text: sound(images[1:], text))
    with pytest.raises(ImagesLostError, match="2 images went in"):
        bench.cycle(base)


def test_a_camera_that_always_shows_the_same(tiny, base) -> None:
    recording = made_up()
    for frames in recording.views.values():
        for frame in frames:
            frame.pixels = frames[0].pixels
    bench = Workbench({"tiny": tiny}, recording, CPU)
    with pytest.raises(ImagesLostError, match="all 5 frame sets .* show the same images"):
        measure_all(bench, {"stages": [base]}, 2, 0, lambda what: None)


def test_memory_of_each_stage(bench, base) -> None:
    peaks = bench.memory(base)
    stages = ["before", "preprocess", "vision", "language", "sensor", "state", "action"]
    assert list(peaks) == stages
    assert all(peak > 50e6 for peak in peaks.values())  # torch alone takes more
    larger = bench.memory(replace(base, resolution="1280x720", views=1))
    assert larger["vision"] - larger["before"] > 5e6 + peaks["vision"] - peaks["before"]


def test_what_cannot_be_run(bench, base) -> None:
    with pytest.raises(ParameterError, match="6 views are wanted, but tiny takes 1 to 5"):
        bench.prove(replace(base, views=6))
    with pytest.raises(CheckpointError, match="no head 'guess'; it has: regression, flow"):
        bench.prove(replace(base, head="guess"))


def test_means_and_spread_of_a_stage() -> None:
    result = Result("stages", Configuration("tiny", "flow", 1, "joint"))
    for vl in (1.0, 3.0):
        result.add(Cycle(None, ("a",), {"vl": [vl], "total": [2 * vl]}))  # type: ignore[arg-type]
    stage = result.stages()["vl"]
    assert (stage["mean"], stage["p50"], stage["std"], stage["count"]) == (2.0, 2.0, 1.0, 2)
    assert stage["samples_ms"] == [1.0, 3.0]
    assert result.mean_ms("sensor") == 0.0 and result.fps == 250.0
