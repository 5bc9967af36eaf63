"""The language model of Qwen2.5-VL, of which a beginning that stays the same is computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from vla_ros.models.compiled import Runner
from vla_ros.models.transformer_parts import gated_mlp, interleave_, rms_norm, rotate_, turns


@dataclass(frozen=True, slots=True)
class Prefix:
    """What the first P tokens of a sequence leave behind for those that follow."""

    hidden: Tensor  # (1, P, D) last hidden states
    keys: tuple[Tensor, ...]  # a layer: (1, P, key heads, head_dim), turned
    values: tuple[Tensor, ...]  # likewise

    def __len__(self) -> int:
        """Return the number of tokens."""
        return self.hidden.shape[1]

    def first(self, tokens: int) -> "Prefix":
        """Return the part that the first `tokens` tokens left."""
        keys = tuple(key[:, :tokens] for key in self.keys)
        values = tuple(value[:, :tokens] for value in self.values)
        return Prefix(self.hidden[:, :tokens], keys, values)


class LanguageStack:
    """Runs a loaded Qwen2.5-VL language model; equal to its own forward within rounding.

    It reorders the model's query and key weights, so the model's own forward is of no use after.
    """

    def __init__(self, language_model: Any) -> None:
        """Take the module `language_model` of the model; its weights are used where they are."""
        self._model = language_model
        config = language_model.config
        self._heads = config.num_attention_heads
        self._key_heads = config.num_key_value_heads
        self._head_dim = language_model.layers[0].self_attn.head_dim
        for layer in language_model.layers:
            interleave_(layer.self_attn.q_proj, self._heads, self._head_dim)
            interleave_(layer.self_attn.k_proj, self._key_heads, self._head_dim)
        self.runner = Runner(self._layer)

    def embed(self, input_ids: Tensor) -> Tensor:
        """Return the embeddings (B, T, D) of tokens (B, T)."""
        embedded: Tensor = self._model.embed_tokens(input_ids)
        return embedded

    def turns(self, position_ids: Tensor) -> Tensor:
        """Return what `__call__` wants from position ids (3, B, T)."""
        rotary = self._model.rotary_emb
        angles = position_ids[..., None].float() * rotary.inv_freq.to(position_ids.device)
        sections = angles.split(rotary.mrope_section, -1)
        return turns(torch.cat([part[i % 3] for i, part in enumerate(sections)], -1))

    def __call__(
        self, x: Tensor, turn: Tensor, prefix: Prefix | None = None
    ) -> tuple[Tensor, Prefix]:
        """Run the tokens that follow `prefix`, or that begin.

        Args:
            x: (B, T, D) their embeddings.
            turn: their part of `turns`.
            prefix: the tokens before them.

        Returns:
            the last hidden states (B, P + T, D) with those of the prefix, and all that the
            tokens, the prefix's included, leave behind.
        """
        before = () if prefix is None else (prefix.hidden, *prefix.keys, *prefix.values)
        hidden, *left = self.runner.whole(None, self._run, x, turn, *before)
        layers = len(left) // 2
        return hidden, Prefix(hidden, tuple(left[:layers]), tuple(left[layers:]))

    def _run(self, x: Tensor, turn: Tensor, *before: Tensor) -> tuple[Tensor, ...]:
        """Return the last hidden states, the keys of each layer, and the values; so is `before`."""
        layers = len(self._model.layers)
        keys, values = [], []
        for number, layer in enumerate(self._model.layers):
            kept = (before[1 + number], before[1 + layers + number]) if before else None
            x, key, value = self.runner.block(layer, x, turn, kept)
            keys.append(key)
            values.append(value)
        hidden = rms_norm(self._model.norm, x)
        if before:
            hidden = torch.cat([_like(before[0], hidden), hidden], 1)
        return hidden, *keys, *values

    def _layer(
        self, layer: Any, x: Tensor, turn: Tensor, kept: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return what follows x, and all keys and values, those `kept` included."""
        attention = layer.self_attn
        y = rms_norm(layer.input_layernorm, x)
        query, key, value = self._projected(attention, y, turn)
        if kept is not None:
            key = torch.cat([_like(kept[0], key), key], 1)
            value = torch.cat([_like(kept[1], value), value], 1)
        x = x + attention.o_proj(causal_attention(query, key, value))
        return x + gated_mlp(layer.mlp, rms_norm(layer.post_attention_layernorm, x)), key, value

    def _projected(self, attention: Any, y: Tensor, turn: Tensor) -> Sequence[Tensor]:
        query = attention.q_proj(y).unflatten(-1, (self._heads, -1))
        key = attention.k_proj(y).unflatten(-1, (self._key_heads, -1))
        value = attention.v_proj(y).unflatten(-1, (self._key_heads, -1))
        rotate_(query, turn)
        rotate_(key, turn)
        return query, key, value


def _like(kept: Tensor, new: Tensor) -> Tensor:
    """Return what was kept of one sequence for each of the batch."""
    return kept.expand(len(new), *kept.shape[1:])


def causal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Let the last T of S tokens attend to themselves and to those before; return (B, T, H * d).

    Args:
        query: (B, T, H, d).
        key: (B, S, K, d), K heads shared by H / K queries each.
        value: likewise.
    """
    new, whole = query.shape[1], key.shape[1]
    # The causal kernel does half of the square, and begins with token 0: rows for the tokens
    # before cost less than a mask unless they are most of the sequence.
    padded = 2 * new > whole
    mask = None
    if padded and new < whole:
        query = functional.pad(query, (0, 0, 0, 0, whole - new, 0))
    elif not padded:
        mask = torch.ones(new, whole, dtype=torch.bool, device=query.device).tril(whole - new)
    query, key, value = (tensor.transpose(1, 2) for tensor in (query, key, value))
    attended = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=padded, enable_gqa=True
    )
    return attended[:, :, -new:].transpose(1, 2).flatten(2)
