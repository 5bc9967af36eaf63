"""Small vision-language models of other families, with random weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf

from vla_ros.models.recipes import _CORPUS, _tokenizer

_TEXT = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
_HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}


def _word(tokenizer: Any, token: str) -> int:
    tokenizer.add_special_tokens(
        {"extra_special_tokens": [token]}, replace_extra_special_tokens=False
    )
    return int(tokenizer.convert_tokens_to_ids(token))


def _save(folder: Path, model: Any, *parts: Any) -> None:
    for part in (model, *parts):
        part.save_pretrained(folder)


def qwen3_vl(folder: Path) -> None:
    tokenizer = _tokenizer(_CORPUS)
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 1, 1]}
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2}
    more = {"out_hidden_size": 32, "num_position_embeddings": 64, "deepstack_visual_indexes": [0]}
    names = ("image_pad", "video_pad", "vision_start", "vision_end")
    ids = tokenizer.convert_tokens_to_ids([f"<|{name}|>" for name in names])
    config = hf.Qwen3VLConfig(
        text_config=_TEXT | _HEADS | {"vocab_size": len(tokenizer), "rope_parameters": rope},
        vision_config=vision | more,
        **dict(zip(("image_token_id", "video_token_id"), ids[:2], strict=True)),
        **dict(zip(("vision_start_token_id", "vision_end_token_id"), ids[2:], strict=True)),
    )
    images = hf.Qwen2VLImageProcessorPil(patch_size=16, min_pixels=32 * 32, max_pixels=64 * 64)
    _save(folder, hf.Qwen3VLForConditionalGeneration(config), tokenizer, images)


def _idefics3_like(folder: Path, config: type, model: type) -> None:
    tokenizer = _tokenizer(_CORPUS)
    for token in ("<fake_token_around_image>", "<global-img>", "<end_of_utterance>"):
        _word(tokenizer, token)
    image = _word(tokenizer, "<image>")
    part = "{% if p['type'] == 'image' %}<image>{% else %}{{ p['text'] }}{% endif %}"
    parts = "{% for p in m['content'] %}" + part + "{% endfor %}"
    tokenizer.chat_template = (
        "{% for m in messages %}User:" + parts + "<end_of_utterance>\nAssistant:{% endfor %}"
    )
    vision = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    shape = {"num_attention_heads": 2, "image_size": 32, "patch_size": 8}
    llama = hf.LlamaConfig(**_TEXT, **_HEADS, vocab_size=len(tokenizer))
    whole = config(
        text_config=llama.to_dict(),
        vision_config=vision | shape,
        image_token_id=image,
        scale_factor=2,
    )
    side = {"longest_edge": 32}
    images = hf.Idefics3ImageProcessorPil(size=side, max_image_size=side, do_image_splitting=False)
    tokenizer.model_max_length = 10_000
    processor = hf.Idefics3Processor(images, tokenizer, image_seq_len=4)
    _save(folder, model(whole), processor)


def idefics3(folder: Path) -> None:
    _idefics3_like(folder, hf.Idefics3Config, hf.Idefics3ForConditionalGeneration)


def smolvlm(folder: Path) -> None:
    _idefics3_like(folder, hf.SmolVLMConfig, hf.SmolVLMForConditionalGeneration)


def paligemma(folder: Path) -> None:
    tokenizer = _tokenizer(_CORPUS)
    tokenizer.chat_template = None
    tokenizer.add_special_tokens({"bos_token": "<bos>"})
    images = hf.SiglipImageProcessorPil(size={"height": 32, "width": 32})
    images.image_seq_length = 16
    processor = hf.PaliGemmaProcessor(images, tokenizer)
    vision = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    shape = {"num_attention_heads": 2, "image_size": 32, "patch_size": 8, "projection_dim": 32}
    config = hf.PaliGemmaConfig(
        text_config=_TEXT | _HEADS | {"vocab_size": len(tokenizer), "model_type": "gemma"},
        vision_config=vision | shape | {"model_type": "siglip_vision_model"},
        image_token_index=processor.image_token_id,
        projection_dim=32,
    )
    _save(folder, hf.PaliGemmaForConditionalGeneration(config), processor)


FAMILIES: dict[str, Callable[[Path], None]] = {
    "qwen3_vl": qwen3_vl,
    "idefics3": idefics3,
    "smolvlm": smolvlm,
    "paligemma": paligemma,
}


def make_family(name: str, folder: Path) -> None:
    torch.manual_seed(0)
    folder.mkdir()
    FAMILIES[name](folder)
