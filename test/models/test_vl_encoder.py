import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoImageProcessor,
    AutoTokenizer,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
)

from vla_ros.core.errors import CheckpointError, MessageError, ParameterError
from vla_ros.models.hardware import pick_device, pick_dtype
from vla_ros.models.preprocess import ProcessorCall
from vla_ros.models.vl_encoder import VlEncoder, load_encoder

INSTRUCTION = "insert the needle into the blue point"


@pytest.fixture(scope="module")
def encoder(tiny: Path) -> VlEncoder:
    return load_encoder(tiny, device="cpu", dtype="float32")


class ImageProcessorOnly(Qwen2_5_VLProcessor):
    """The family's processor without its video half, which needs torchvision."""

    def __init__(self, image_processor, tokenizer, chat_template) -> None:
        super().__init__(image_processor, tokenizer, None, chat_template=chat_template)


def _plain(folder: Path, images: list[np.ndarray], text: str, dtype=torch.float32):
    """Encode as the plain use of transformers has it: the whole model, all hidden states."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    processor = ImageProcessorOnly(
        AutoImageProcessor.from_pretrained(folder), tokenizer, tokenizer.chat_template
    )
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=dtype).eval()
    content = [{"type": "image"} for _ in images] + [{"type": "text", "text": text}]
    chat = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    inputs = processor(text=[chat], images=images, return_tensors="pt")
    with torch.inference_mode():
        output = model(**inputs, output_hidden_states=True)
    return output.hidden_states[-1][0].float().mean(0).numpy(), inputs


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.mark.parametrize("count", [1, 3, 5])
def test_features_equal_the_plain_forward(
    encoder, tiny: Path, views, monkeypatch, count: int
) -> None:
    images = views(count)
    encoded = encoder.encode(images, INSTRUCTION)
    plain, inputs = _plain(tiny / "vlm", images, INSTRUCTION)
    assert encoded.data.shape == (64,) and encoded.data.dtype == np.float32
    assert _cosine(encoded.data, plain) >= 0.9999  # resized images may differ by one grey level
    same_pixels = ProcessorCall(AutoImageProcessor.from_pretrained(tiny / "vlm"), encoder.device)
    monkeypatch.setattr(encoder, "_preprocess", same_pixels)
    np.testing.assert_allclose(encoder.encode(images, INSTRUCTION).data, plain, atol=1e-5)
    assert encoded.total_tokens == inputs["input_ids"].shape[1]
    assert encoded.image_grid_thw.tolist() == inputs["image_grid_thw"].tolist()
    image_tokens = int(inputs["mm_token_type_ids"].sum())
    assert encoded.view_tokens.sum() == image_tokens


def test_bfloat16_is_close_to_its_plain_forward(tiny: Path, views) -> None:
    encoder = load_encoder(tiny, device="cpu", dtype="bfloat16")
    assert encoder.dtype == torch.bfloat16
    plain, _ = _plain(tiny / "vlm", views(2), INSTRUCTION, torch.bfloat16)
    assert _cosine(encoder.encode(views(2), INSTRUCTION).data, plain) >= 0.999


def test_proof_of_work(encoder, views) -> None:
    encoded = encoder.encode([*views(1, 90, 160), *views(1, 360, 640)], INSTRUCTION)
    assert encoded.image_grid_thw.tolist() == [[1, 6, 12], [1, 26, 46]]
    assert encoded.view_tokens.tolist() == [18, 299]
    assert encoded.total_tokens > 317
    assert [stage.name for stage in encoded.stages] == ["preprocess", "vision", "language"]
    ends = [stage.start_ns + stage.duration_ns for stage in encoded.stages]
    starts = [stage.start_ns for stage in encoded.stages]
    assert all(end <= start for end, start in zip(ends, starts[1:]))


def test_every_view_and_word_reaches_the_features(encoder, views) -> None:
    images = views(5)
    before = encoder.encode(images, INSTRUCTION).data
    assert np.array_equal(encoder.encode(images, INSTRUCTION).data, before)
    for index in range(5):
        changed = list(images)
        changed[index] = 255 - changed[index]
        difference = np.abs(encoder.encode(changed, INSTRUCTION).data - before).max()
        assert difference > 1e-3, f"view {index}"
    assert np.abs(encoder.encode(images, INSTRUCTION + "!").data - before).max() > 1e-4


def test_views_that_do_not_fit(encoder, views) -> None:
    with pytest.raises(MessageError, match="6 views were given; the checkpoint takes 1 to 5"):
        encoder.encode(views(6), INSTRUCTION)


def test_vision_tower_that_gives_another_number_of_tokens(encoder, views, monkeypatch) -> None:
    whole = encoder._vlm.vision
    monkeypatch.setattr(encoder._vlm, "vision", lambda *given: whole(*given)[:-1])
    with pytest.raises(CheckpointError, match="the images do not reach the model"):
        encoder.encode(views(2), INSTRUCTION)


def test_warm_up_takes_the_views_of_the_checkpoint(encoder, monkeypatch) -> None:
    shapes = []
    monkeypatch.setattr(encoder, "encode", lambda views, _: shapes.extend(v.shape for v in views))
    encoder.warm_up(30, 40)
    assert shapes == [(30, 40, 3)] * 5


def _edit(path: Path, **change: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def test_feature_dim_that_contradicts_the_model(copy: Path) -> None:
    _edit(copy / "config.json", feature_dim=2048)
    with pytest.raises(CheckpointError, match="feature_dim is 2048, but .* hidden size 64"):
        load_encoder(copy, device="cpu")


def test_truncated_model(copy: Path) -> None:
    path = copy / "vlm" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="vlm cannot be loaded"):
        load_encoder(copy, device="cpu")


def test_model_that_lacks_weights(copy: Path) -> None:
    path = copy / "vlm" / "model.safetensors"
    tensors = load_file(path)
    lost = next(name for name in tensors if name.endswith("blocks.0.attn.proj.weight"))
    del tensors[lost]
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"lack: visual\.blocks\.0\.attn\.proj\.weight"):
        load_encoder(copy, device="cpu")


def test_model_with_other_sizes_than_its_config(copy: Path) -> None:
    path = copy / "vlm" / "config.json"
    text = json.loads(path.read_text())["text_config"] | {"intermediate_size": 128}
    _edit(path, text_config=text)
    with pytest.raises(CheckpointError, match="vlm cannot be loaded"):
        load_encoder(copy, device="cpu")


def test_a_pickled_model_is_not_read(copy: Path, tmp_path: Path) -> None:
    path = copy / "vlm" / "model.safetensors"
    torch.save(load_file(path), copy / "vlm" / "pytorch_model.bin")
    path.unlink()
    with pytest.raises(CheckpointError, match="vlm cannot be loaded"):
        load_encoder(copy, device="cpu")


def test_model_without_a_processor(copy: Path) -> None:
    (copy / "vlm" / "preprocessor_config.json").unlink()
    with pytest.raises(CheckpointError, match="processor in .*vlm cannot be loaded"):
        load_encoder(copy, device="cpu")


def test_settings_of_the_published_processor_are_read(copy: Path, views) -> None:
    """Qwen2.5-VL's own files name the torchvision class and give min_pixels and max_pixels."""
    path = copy / "vlm" / "preprocessor_config.json"
    settings = json.loads(path.read_text())
    size = settings.pop("size")
    settings |= {"image_processor_type": "Qwen2VLImageProcessorFast", "max_pixels": 112 * 112}
    path.write_text(json.dumps(settings | {"min_pixels": size["shortest_edge"]}))
    encoded = load_encoder(copy, device="cpu").encode(views(1, 360, 640), INSTRUCTION)
    assert encoded.image_grid_thw[0].prod() * 14 * 14 <= 112 * 112


def test_no_such_dtype(tiny: Path) -> None:
    with pytest.raises(ParameterError, match="dtype is 'int3'; auto, float32, bfloat16"):
        load_encoder(tiny, device="cpu", dtype="int3")


def test_automatic_dtype_follows_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    for amx, wanted in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda amx=amx: amx)
        assert pick_dtype("auto", pick_device("cpu")) == wanted
    assert pick_dtype("auto", torch.device("cuda")) == torch.bfloat16
