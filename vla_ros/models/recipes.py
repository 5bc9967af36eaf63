"""Checkpoints made on the spot: real architectures and processors, random weights.

They stand in for a trained policy wherever weights do not matter: demonstration, tests, timing.
Tokenizer and chat template follow Qwen2.5-VL's conventions, so a trained one can take their place.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vla_ros.models.checkpoint import write_checkpoint
from vla_ros.models.config import FORMAT, HEADS, INPUTS, PolicyConfig, WindowConfig
from vla_ros.models.late import transformers
from vla_ros.models.policy import PolicyModules

_CHAT_TEMPLATE = """\
{%- if messages[0]['role'] != 'system' -%}
<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif -%}
{%- for message in messages -%}
<|im_start|>{{ message['role'] }}
{% if message['content'] is string -%}
{{ message['content'] }}
{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>
{%- else -%}{{ part['text'] }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}<|im_start|>assistant
{% endif -%}
"""

_SPECIAL_TOKENS = [
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>"),
    *("<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>"),
    *("<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
]

# What the byte-level vocabulary learns its merges from; any other text falls back to bytes.
_CORPUS = [
    "You are a helpful assistant. system user assistant",
    "insert the needle into the blue point, then the red, green, yellow, white and black ones",
    "move the tool up down left right forward back slowly until it touches the phantom",
    "pick up the cube and place it in the box; open and close the gripper; push the button",
    "what should the robot do next to reach the target in front of the wrist camera?",
]

# The contact sensor's depth line and force at 650 Hz; six joints and a pose at 100 Hz.
_REFERENCE_SENSOR = WindowConfig(window=65, channels=1026, rate_hz=650.0, width=256, dim=3072)
_REFERENCE_STATES = WindowConfig(window=65, channels=12, rate_hz=100.0, width=256, dim=3072)

_POLICY_3B = PolicyConfig(
    format=FORMAT,
    vlm="vlm",
    views=tuple(f"camera_{number}" for number in range(1, 6)),
    prompt="{instruction}",
    layout="joint",
    pooling="mean",
    feature_dim=2048,
    sensor=_REFERENCE_SENSOR,
    robot_states=_REFERENCE_STATES,
    input_sets=(INPUTS,),
    heads=HEADS,
    hidden=1024,
    blocks=2,
    flow_steps=10,
    horizon=8,
    dt_s=0.1,
    max_delta=(0.005, 0.005, 0.005, 0.035, 0.035, 0.035),  # 5 mm and 2 degrees a step
    gripper=True,
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A shape: the policy, and the sizes of a Qwen2.5-VL model in transformers' own words."""

    policy: PolicyConfig
    text: dict[str, Any]
    vision: dict[str, Any]
    dtype: str

    def without(self, *, sensor: bool, robot_states: bool) -> "Recipe":
        """Return the recipe of a policy that does not have these inputs."""
        left_out = {"sensor": sensor, "robot_states": robot_states}
        inputs = tuple(name for name in INPUTS if not left_out[name])
        nothing: dict[str, Any] = {name: None for name in INPUTS if left_out[name]}
        policy = dataclasses.replace(self.policy, input_sets=(inputs,), **nothing)
        return dataclasses.replace(self, policy=policy)


_EMBEDDED = Recipe(
    policy=dataclasses.replace(
        _POLICY_3B,
        feature_dim=256,
        sensor=dataclasses.replace(_REFERENCE_SENSOR, width=64, dim=256),
        robot_states=dataclasses.replace(_REFERENCE_STATES, width=64, dim=256),
        input_sets=(INPUTS, ("robot_states",), ("sensor",), ()),
        hidden=256,
    ),
    text={
        "hidden_size": 256,
        "intermediate_size": 1024,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "mrope_section": [8, 12, 12],
    },
    vision={
        "depth": 4,
        "hidden_size": 192,
        "intermediate_size": 512,
        "num_heads": 3,
        "fullatt_block_indexes": [3],
    },
    dtype="float32",
)

_232M = Recipe(
    policy=dataclasses.replace(_POLICY_3B, feature_dim=576),
    text={
        "vocab_size": 49152,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "mrope_section": [8, 12, 12],
    },
    vision={
        "depth": 12,
        "hidden_size": 768,
        "intermediate_size": 2048,
        "num_heads": 12,
        "fullatt_block_indexes": [2, 5, 8, 11],
    },
    dtype="float32",
)

_3B = Recipe(
    policy=_POLICY_3B,
    text={
        "vocab_size": 151936,
        "hidden_size": 2048,
        "intermediate_size": 11008,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
        "mrope_section": [16, 24, 24],
    },
    vision={
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "fullatt_block_indexes": [7, 15, 23, 31],
    },
    dtype="bfloat16",
)

RECIPES = {"embedded": _EMBEDDED, "232m": _232M, "3b": _3B}


def make(folder: Path, recipe: Recipe, seed: int) -> None:
    """Write a checkpoint with random weights into the empty folder `folder`."""
    torch.manual_seed(seed)
    vlm = folder / recipe.policy.vlm
    vlm.mkdir()
    make_vlm(vlm, recipe)
    write_checkpoint(folder, recipe.policy, PolicyModules(recipe.policy))


def make_policy(folder: Path, policy: PolicyConfig, seed: int) -> None:
    """Write only the action side of a checkpoint, with random weights, into `folder`."""
    torch.manual_seed(seed)
    write_checkpoint(folder, policy, PolicyModules(policy))


def make_vlm(folder: Path, recipe: Recipe) -> None:
    """Write a Qwen2.5-VL folder: model, tokenizer, chat template, image processor."""
    hf = transformers()
    tokenizer = _tokenizer(_CORPUS)
    tokenizer.save_pretrained(folder)
    pixels = {"min_pixels": 56 * 56, "max_pixels": 16384 * 28 * 28}
    hf.Qwen2VLImageProcessorPil(**pixels).save_pretrained(folder)
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, recipe.dtype))
    try:
        model = hf.Qwen2_5_VLForConditionalGeneration(_model_config(recipe, tokenizer))
    finally:
        torch.set_default_dtype(before)
    model.save_pretrained(folder)


def _model_config(recipe: Recipe, tokenizer: Any) -> Any:
    text = {"vocab_size": len(tokenizer)} | recipe.text
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": text.pop("mrope_section")}
    ids = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(f"<|{token}|>")
        for name, token in {
            "image": "image_pad",
            "video": "video_pad",
            "vision_start": "vision_start",
            "vision_end": "vision_end",
        }.items()
    }
    ends = {
        "bos_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return transformers().Qwen2_5_VLConfig(
        text_config=text | ends | {"rope_parameters": rope, "rms_norm_eps": 1e-6},
        vision_config=recipe.vision | {"out_hidden_size": text["hidden_size"], "window_size": 112},
        tie_word_embeddings=True,
        **ids,
    )


def _tokenizer(corpus: Sequence[str]) -> Any:
    """Return a byte-level BPE tokenizer with Qwen's special tokens, learnt from `corpus`."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    words = Regex(r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+")
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(words, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=_SPECIAL_TOKENS,
        show_progress=False,
    )
    bpe.train_from_iterator(corpus, trainer)
    tokenizer = transformers().PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    tokenizer.chat_template = _CHAT_TEMPLATE
    return tokenizer
