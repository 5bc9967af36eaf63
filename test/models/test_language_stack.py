import copy

import pytest
import torch
from transformers import Qwen2_5_VLTextConfig, Qwen2_5_VLTextModel

from vla_ros.models.language_stack import LanguageStack, causal_attention


@pytest.fixture(scope="module")
def language_model():
    torch.manual_seed(0)
    text = {"vocab_size": 50, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 2]}
    config = Qwen2_5_VLTextConfig(**text, **heads, rope_parameters=rope)
    return Qwen2_5_VLTextModel._from_config(config).eval()


@pytest.mark.parametrize("batch", [1, 2])
@torch.inference_mode()
def test_equals_the_plain_model(language_model, batch: int) -> None:
    x = torch.randn(batch, 30, 32)
    positions = torch.randint(0, 40, (3, batch, 30))
    wanted = language_model(inputs_embeds=x, position_ids=positions).last_hidden_state
    stack = LanguageStack(copy.deepcopy(language_model))
    hidden, _ = stack(x, stack.turns(positions))
    torch.testing.assert_close(hidden, wanted, atol=2e-6, rtol=0)


@pytest.mark.parametrize("kept", [1, 14, 15, 29])
@torch.inference_mode()
def test_a_prefix_replaces_its_tokens(language_model, kept: int) -> None:
    stack = LanguageStack(copy.deepcopy(language_model))
    x, turn = torch.randn(1, 30, 32), stack.turns(torch.arange(30).expand(3, 1, -1))
    wanted, whole = stack(x, turn)
    for prefix in (stack(x[:, :kept], turn[:, :kept])[1], whole.first(kept)):
        assert len(prefix) == kept
        hidden, left = stack(x[:, kept:], turn[:, kept:], prefix)
        torch.testing.assert_close(hidden, wanted, atol=2e-6, rtol=0)
        assert len(left) == 30


@torch.inference_mode()
def test_one_prefix_for_a_batch(language_model) -> None:
    stack = LanguageStack(copy.deepcopy(language_model))
    x = torch.randn(3, 20, 32)
    x[:, :5] = x[0, :5]
    turn = stack.turns(torch.arange(20).expand(3, 1, -1))
    prefix = stack(x[:1, :5], turn[:, :5])[1]
    hidden, _ = stack(x[:, 5:], turn[:, 5:], prefix)
    torch.testing.assert_close(hidden, stack(x, turn)[0], atol=2e-6, rtol=0)


@pytest.mark.parametrize("new", [1, 5, 6, 9, 10])
def test_causal_attention(new: int) -> None:
    query, key, value = (
        torch.randn(2, new, 4, 8),
        torch.randn(2, 10, 2, 8),
        torch.randn(2, 10, 2, 8),
    )
    keys, values = (t.repeat_interleave(2, 2) for t in (key, value))
    scores = torch.einsum("bthd,bshd->bhts", query, keys) / 8**0.5
    later = torch.arange(10) > torch.arange(10 - new, 10)[:, None]
    weights = scores.masked_fill(later, -torch.inf).softmax(-1)
    wanted = torch.einsum("bhts,bshd->bthd", weights, values).flatten(2)
    torch.testing.assert_close(causal_attention(query, key, value), wanted)
