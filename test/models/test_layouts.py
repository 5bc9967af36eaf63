"""Layouts, poolings and views that keep what was computed for them, against the plain model."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vla_ros.core.errors import MessageError
from vla_ros.models.policy import load_actor
from vla_ros.models.reference import ReferenceEncoder
from vla_ros.models.view_gate import Reuse
from vla_ros.models.vl_encoder import load_encoder

TEXT = "insert the needle into the blue point"
NS = 1_000_000_000
KEEP = Reuse(threshold=2.0, max_age_s=10.0)


@pytest.fixture(scope="module")
def reference(tiny: Path) -> ReferenceEncoder:
    return ReferenceEncoder(tiny / "vlm", torch.device("cpu"), torch.float32, "{instruction}")


@pytest.fixture
def encoder_of(tiny: Path, tmp_path: Path):
    """Load the tiny checkpoint's encoder with another layout or pooling."""

    def load(reuse: Reuse | None = None, **change: str):
        config = json.loads((tiny / "config.json").read_text()) | change
        (tmp_path / "config.json").write_text(json.dumps(config | {"vlm": str(tiny / "vlm")}))
        (tmp_path / "model.safetensors").write_bytes((tiny / "model.safetensors").read_bytes())
        return load_encoder(tmp_path, device="cpu", dtype="float32", reuse=reuse)

    return load


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    """One grey level of the resized images may differ."""
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return a.shape == b.shape and bool((cosine >= 0.9995).all())


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, atol=1e-5)


def test_poolings_of_the_joint_layout(reference, encoder_of, views) -> None:
    images = views(3)
    hidden, mask = reference.hidden(images, TEXT)
    encode = {p: encoder_of(pooling=p).encode(images, TEXT).data for p in ("per_view", "tokens")}
    assert _close(encode["tokens"], hidden)
    image_tokens = hidden[mask].reshape(3, -1, hidden.shape[1])
    assert _close(encode["per_view"], image_tokens.mean(1))


@pytest.mark.parametrize("pooling", ["mean", "per_view", "tokens"])
def test_per_view_layout_is_the_plain_forward_of_each(
    reference, encoder_of, views, pooling
) -> None:
    images = [*views(2), *views(2, 60, 64), views(1)[0]]  # three of one size, two of another
    plain = [reference.hidden([image], TEXT)[0] for image in images]
    wanted = {
        "mean": np.concatenate(plain).mean(0),
        "per_view": np.stack([hidden.mean(0) for hidden in plain]),
        "tokens": np.concatenate(plain),
    }[pooling]
    encoded = encoder_of(layout="per_view", pooling=pooling).encode(images, TEXT)
    assert _close(encoded.data, wanted)
    assert encoded.total_tokens == sum(map(len, plain))


@pytest.mark.parametrize("layout", ["joint", "per_view"])
def test_kept_views_are_as_if_their_old_images_were_encoded(encoder_of, views, layout) -> None:
    gated, plain = encoder_of(KEEP, layout=layout), encoder_of(layout=layout)
    old, new = views(5), views(5, 90, 160)
    new[2] = 255 - new[2]
    noisy = [image ^ 1 for image in new]
    gated.encode(old, TEXT, stamps_ns=[0] * 5)
    encoded = gated.encode(noisy, TEXT, stamps_ns=[NS] * 5)
    assert encoded.computed == (2,)
    assert encoded.view_stamps_ns == (0, 0, NS, 0, 0)
    seen = [noisy[2] if n == 2 else image for n, image in enumerate(old)]
    assert _same(encoded.data, plain.encode(seen, TEXT).data)
    other = gated.encode(noisy, "another", stamps_ns=[2 * NS] * 5)
    assert other.computed == () and _same(other.data, plain.encode(seen, "another").data)
    last = gated.encode(noisy, TEXT, stamps_ns=[30 * NS] * 5)
    assert last.computed == (0, 1, 2, 3, 4)
    assert _same(last.data, plain.encode(noisy, TEXT).data)


def test_static_views_first(encoder_of, views) -> None:
    reuse = Reuse(threshold=2.0, max_age_s=10.0, static_first=True)
    gated, plain = encoder_of(reuse, pooling="per_view"), encoder_of(pooling="per_view")
    images = views(5)
    first = gated.encode(images, TEXT, stamps_ns=[0] * 5)
    assert _same(first.data, plain.encode(images, TEXT).data)  # all are new: the order is kept
    for step, changed in enumerate((3, 3, 1), 1):
        images[changed] = np.roll(images[changed], 40, 1)
        encoded = gated.encode(images, TEXT, stamps_ns=[step * NS] * 5)
        assert encoded.computed == (changed,)
        order = [0, 1, 2, 4, 3] if step < 3 else [0, 2, 4, 3, 1]
        wanted = plain.encode([images[n] for n in order], TEXT).data
        assert _same(encoded.data[order], wanted)


def test_a_failed_encode_keeps_nothing(encoder_of, views, monkeypatch) -> None:
    gated, images = encoder_of(KEEP), views(2)
    with pytest.raises(MessageError, match="image marker"):
        gated.encode(images, "<|image_pad|>", stamps_ns=[0, 0])
    wanted = encoder_of().encode(images, TEXT).data
    assert _same(gated.encode(images, TEXT, stamps_ns=[0, 0]).data, wanted)


def test_a_missing_view_by_number(encoder_of, views) -> None:
    gated, images = encoder_of(KEEP), views(5)
    gated.encode(images, TEXT, stamps_ns=[0] * 5)
    encoded = gated.encode([images[1], images[4]], TEXT, stamps_ns=[NS] * 2, numbers=[1, 4])
    assert encoded.computed == ()
    assert _same(encoded.data, encoder_of().encode([images[1], images[4]], TEXT).data)


@pytest.mark.parametrize("pooling", ["per_view", "tokens"])
def test_an_actor_for_other_poolings(tmp_path: Path, views, pooling: str) -> None:
    import dataclasses

    from tiny_policy import tiny_recipe

    from vla_ros.models.recipes import make

    recipe = tiny_recipe()
    policy = dataclasses.replace(recipe.policy, layout="per_view", pooling=pooling)
    make(tmp_path, dataclasses.replace(recipe, policy=policy), seed=1)
    features = load_encoder(tmp_path, device="cpu").encode(views(5), TEXT).data
    actor = load_actor(tmp_path, "flow", use_sensor=False, device="cpu")
    actor.warm_up()
    state = np.zeros((9, 12), np.float32)
    before = actor.act(features, state=state).chunk
    actor = load_actor(tmp_path, "flow", use_sensor=False, device="cpu")
    assert np.abs(actor.act(features[::-1].copy() * 2, state=state).chunk - before).max() > 0
    with pytest.raises(MessageError, match=f"shape .64,.; with pooling {pooling} of 5 views"):
        actor.act(features.mean(0), state=state)
