"""Families without a fast way: features equal those of their own plain forward."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from families import FAMILIES, make_family
from tiny_policy import tiny_recipe
from transformers import AutoModelForImageTextToText, AutoTokenizer

from vla_ros.core.errors import CheckpointError, MessageError, ParameterError
from vla_ros.models.checkpoint import write_checkpoint
from vla_ros.models.policy import PolicyModules
from vla_ros.models.view_gate import Reuse
from vla_ros.models.vl_encoder import load_encoder

TEXT = "insert the needle"
SIZE = {"qwen3_vl": (64, 64), "idefics3": (32, 32), "smolvlm": (32, 32), "paligemma": (32, 32)}
TOKENS = {"qwen3_vl": 4, "idefics3": 4, "smolvlm": 4, "paligemma": 16}


@pytest.fixture(scope="module", params=FAMILIES)
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    make_family(request.param, folder / "vlm")
    config = dataclasses.replace(tiny_recipe().policy, feature_dim=32)
    write_checkpoint(folder, config, PolicyModules(config))
    return request.param, folder


def _layout(folder: Path, **change: str) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def _plain(name: str, folder: Path, encoder, images) -> tuple[np.ndarray, np.ndarray]:
    """Hidden states (T, D) of the whole model, and where its image tokens are."""
    processor = encoder._processor
    chat = "<image>" * len(images) + TEXT
    if name != "paligemma":
        content = [{"type": "image"}] * len(images) + [{"type": "text", "text": TEXT}]
        tokenizer = AutoTokenizer.from_pretrained(folder)
        chat = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
    inputs = processor(text=[chat], images=[images], return_tensors="pt")
    inputs.pop("labels", None)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        hidden = model(**inputs, output_hidden_states=True).hidden_states[-1][0]
    return hidden.numpy(), (inputs["input_ids"][0] == model.config.image_token_id).numpy()


@pytest.mark.parametrize("pooling", ["mean", "per_view", "tokens"])
def test_features_equal_the_plain_forward(checkpoint, views, pooling: str) -> None:
    name, folder = checkpoint
    _layout(folder, layout="joint", pooling=pooling)
    encoder = load_encoder(folder, device="cpu", dtype="float32")
    images = views(3, *SIZE[name])
    encoded = encoder.encode(images, TEXT)
    hidden, mask = _plain(name, folder / "vlm", encoder, images)
    wanted = {
        "mean": hidden.mean(0),
        "per_view": hidden[mask].reshape(3, -1, 32).mean(1),
        "tokens": hidden,
    }[pooling]
    np.testing.assert_allclose(encoded.data, wanted, atol=1e-5)
    assert encoded.view_tokens.tolist() == [TOKENS[name]] * 3
    assert encoded.image_grid_thw.shape == (3, 3) and (encoded.image_grid_thw > 0).all()
    assert encoded.total_tokens == len(hidden)
    assert encoder.cost(encoded).flops > 0


def test_every_view_reaches_the_features_in_both_layouts(checkpoint, views) -> None:
    name, folder = checkpoint
    for layout in ("joint", "per_view"):
        _layout(folder, layout=layout, pooling="mean")
        encoder = load_encoder(folder, device="cpu", dtype="float32")
        images = views(2, *SIZE[name])
        before = encoder.encode(images, TEXT).data
        for index in range(2):
            changed = [255 - image if n == index else image for n, image in enumerate(images)]
            assert np.abs(encoder.encode(changed, TEXT).data - before).max() > 1e-4
        assert np.abs(encoder.encode(images, "stop").data - before).max() > 1e-4
        assert len(encoder.warm_up(*SIZE[name]).view_tokens) == 5


def test_what_cannot_be(checkpoint, views, monkeypatch) -> None:
    name, folder = checkpoint
    _layout(folder, layout="joint", pooling="mean")
    with pytest.raises(ParameterError, match="computes all views each time"):
        load_encoder(folder, device="cpu", reuse=Reuse(threshold=1.0))
    encoder = load_encoder(folder, device="cpu")
    with pytest.raises(MessageError, match="holds the image marker"):
        encoder.encode(views(1), f"go {encoder._marker}")
    monkeypatch.setattr(encoder, "_tokens_of", lambda view: 7)
    with pytest.raises(CheckpointError, match="the images do not reach the model"):
        encoder.encode(views(1), TEXT)
    with pytest.warns(UserWarning, match="is not compiled"):
        plain = load_encoder(folder, device="cpu", dtype="float32", compiled="on")
    assert plain.encode(views(1, *SIZE[name]), TEXT).data.size == 32
