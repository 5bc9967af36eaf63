import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from vla_ros.core.errors import CheckpointError, MessageError
from vla_ros.models.prompt import PromptBuilder


@pytest.fixture
def tokenizer(tiny: Path):
    return AutoTokenizer.from_pretrained(tiny / "vlm")


@pytest.fixture
def builder(tokenizer, tiny: Path) -> PromptBuilder:
    image = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    return PromptBuilder(tokenizer, tiny / "vlm", image, "task: {instruction}")


def test_the_sequence_is_the_chat_template_with_the_images_filled_in(builder, tokenizer) -> None:
    prompt = builder.build("go left", [2, 3])
    assert tokenizer.decode(prompt.input_ids[0]) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
        "<|vision_start|><|image_pad|><|image_pad|><|vision_end|>"
        "<|vision_start|><|image_pad|><|image_pad|><|image_pad|><|vision_end|>"
        "task: go left<|im_end|>\n<|im_start|>assistant\n"
    )
    assert prompt.image_mask.shape == prompt.input_ids.shape
    assert prompt.image_mask.sum() == 5


def test_any_text_survives_the_tokenizer(builder, tokenizer) -> None:
    text = "Führe die Nadel 3,5 mm {weiter} \\ 針を刺す 🪡\n\t'ok' %s"
    prompt = builder.build(text, [1])
    assert f"task: {text}<|im_end|>" in tokenizer.decode(prompt.input_ids[0])


def test_the_same_prompt_is_kept(builder) -> None:
    first = builder.build("go", [4, 4])
    assert builder.build("go", [4, 4]) is first
    assert builder.build("go", [4]) is not first
    assert builder.build("stop", [4, 4]).input_ids.shape != first.input_ids.shape


def test_an_instruction_that_imitates_an_image_is_refused(builder) -> None:
    with pytest.raises(MessageError, match="image marker"):
        builder.build("look: <|image_pad|>", [4])


def test_a_template_without_images_is_refused(tokenizer, tiny: Path) -> None:
    tokenizer.chat_template = "{{ messages[0]['role'] }}"
    image = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    builder = PromptBuilder(tokenizer, tiny / "vlm", image, "{instruction}")
    with pytest.raises(CheckpointError, match="room for 0 images where 2 views are given"):
        builder.build("go", [4, 4])


def test_no_template_at_all(tokenizer, tiny: Path) -> None:
    tokenizer.chat_template = None
    with pytest.raises(CheckpointError, match="has no chat template"):
        PromptBuilder(tokenizer, tiny / "vlm", 0, "{instruction}")


def test_the_processors_older_template_file_comes_first(tokenizer, tmp_path: Path) -> None:
    template = (
        "{% for part in messages[0]['content'] if part.type == 'image' %}<|image_pad|>{% endfor %}"
    )
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    image = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    builder = PromptBuilder(tokenizer, tmp_path, image, "{instruction}")
    assert builder.build("go", [1, 2]).input_ids.tolist() == [[image] * 3]
