import dataclasses

from vla_ros.models.config import WindowConfig
from vla_ros.models.recipes import RECIPES, Recipe


def tiny_recipe() -> Recipe:
    """The embedded shape in the smallest size that has every kind of layer."""
    embedded = RECIPES["embedded"]
    policy = dataclasses.replace(
        embedded.policy,
        feature_dim=64,
        sensor=WindowConfig(window=13, channels=30, rate_hz=650.0, width=8, dim=24),
        robot_states=WindowConfig(window=9, channels=12, rate_hz=100.0, width=8, dim=16),
        hidden=32,
    )
    text = embedded.text | {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "mrope_section": [2, 3, 3],
    }
    vision = embedded.vision | {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
        "fullatt_block_indexes": [1],
    }
    return dataclasses.replace(embedded, policy=policy, text=text, vision=vision)
