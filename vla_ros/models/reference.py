"""The plain use of transformers: what every fast way must equal, and what it is measured beside."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vla_ros.models.checkpoint import load_strict, open_checkpoint
from vla_ros.models.config import INPUTS, expert_name
from vla_ros.models.experts import bounded
from vla_ros.models.late import transformers
from vla_ros.models.policy import PolicyModules


class ReferenceEncoder:
    """The whole model, all logits, all hidden states, the image processor for every call."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype, prompt: str) -> None:
        """Load the Qwen2.5-VL model in `folder`; `prompt` is the text after the images."""
        hf = transformers()
        model = hf.AutoModelForImageTextToText.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, local_files_only=True
        )
        self._model = model.to(device).eval()
        self._prompt = prompt
        self._tokenizer = hf.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._images = hf.AutoImageProcessor.from_pretrained(folder, local_files_only=True)

    def encode(self, views: Sequence[NDArray[np.uint8]], instruction: str) -> NDArray[np.float32]:
        """Return the mean (D,) over all tokens of the last hidden state of all views together."""
        mean: NDArray[np.float32] = self.hidden(views, instruction)[0].mean(0)
        return mean

    @torch.inference_mode()
    def hidden(
        self, views: Sequence[NDArray[np.uint8]], instruction: str
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the last hidden state (T, D) of one sequence, and where image tokens are (T,)."""
        inputs = self.inputs(views, instruction)
        output = self._model(**inputs, output_hidden_states=True)
        hidden = output.hidden_states[-1][0].float().cpu().numpy()
        return hidden, inputs["mm_token_type_ids"][0].bool().cpu().numpy()

    def inputs(self, views: Sequence[NDArray[np.uint8]], instruction: str) -> dict[str, Any]:
        """Return what the model takes, made anew."""
        text = self._prompt.replace("{instruction}", instruction)
        content = [{"type": "image"} for _ in views] + [{"type": "text", "text": text}]
        chat = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        made = self._images(images=list(views), return_tensors="pt")
        counts = (made["image_grid_thw"].prod(-1) // self._images.merge_size**2).tolist()
        image_token_id = self._model.config.image_token_id
        marker = self._tokenizer.convert_ids_to_tokens(image_token_id)
        first, *others = chat.split(marker)
        filled = "".join([first, *(marker * n + t for n, t in zip(counts, others, strict=True))])
        tokens = self._tokenizer(filled, add_special_tokens=False, return_tensors="pt")
        ids = tokens["input_ids"]
        made = dict(made) | dict(tokens) | {"mm_token_type_ids": (ids == image_token_id).int()}
        return {name: value.to(self._model.device) for name, value in made.items()}


class ReferenceActor:
    """All modules, from all inputs, at every tick."""

    def __init__(self, folder: Path, head: str, device: torch.device) -> None:
        """Load the checkpoint's weights a second time."""
        checkpoint = open_checkpoint(folder)
        self._config = checkpoint.config
        whole = PolicyModules(self._config)
        whole.load_state_dict(load_strict(checkpoint.tensor_file, whole, lambda name: True))
        self._modules = whole.to(device).eval()
        self._expert = whole.get_submodule(f"experts.{expert_name(INPUTS)}.{head}")
        self._device = device
        self._max_delta = torch.tensor(self._config.max_delta, device=device)
        self._noise = torch.Generator().manual_seed(0)

    @torch.inference_mode()
    def act(self, features: Any, sensor: Any, state: Any) -> Any:
        """Return a chunk (horizon, dim)."""
        inputs = {
            name: torch.from_numpy(array)[None].to(self._device)
            for name, array in zip(("features", *INPUTS), (features, sensor, state), strict=True)
        }
        parts = {
            name: self._modules.encoders[name](value) if name in INPUTS else value
            for name, value in inputs.items()
        }
        shape = (1, self._config.horizon, self._config.action_dim)
        noise = torch.randn(shape, generator=self._noise).to(self._device)
        raw = self._expert(parts, noise)
        return bounded(raw[0], self._max_delta, self._config.gripper).cpu().numpy()
