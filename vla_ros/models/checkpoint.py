"""A checkpoint: `config.json`, `model.safetensors` and the vision-language model that it names."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from vla_ros.core.errors import CheckpointError
from vla_ros.models.config import PolicyConfig, read_config

CONFIG_FILE = "config.json"
TENSOR_FILE = "model.safetensors"
_VLM_FILES = ("*.json", "*.safetensors", "*.txt", "*.jinja")
_BLOCK = 1 << 22
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder whose configuration was read and found sound."""

    folder: Path
    config: PolicyConfig

    @property
    def tensor_file(self) -> Path:
        """Return where the weights of the encoders and experts are."""
        return self.folder / TENSOR_FILE

    def vlm_folder(self) -> Path:
        """Return the vision-language model's folder, fetched first if `vlm` is a hub's id.

        Raises:
            CheckpointError: there is no such folder, or the hub does not give it.
        """
        folder = self.folder / self.config.vlm
        if folder.is_dir():
            return folder
        if not _HUB_ID.fullmatch(self.config.vlm):
            raise CheckpointError(
                f"vlm is {self.config.vlm!r}, but {folder} is no folder; allowed: a folder inside "
                "the checkpoint's, an absolute path, or a Hugging Face id (owner/name)"
            )
        from huggingface_hub import snapshot_download  # slow to import, rarely needed

        try:
            return Path(snapshot_download(self.config.vlm, allow_patterns=list(_VLM_FILES)))
        except Exception as error:  # network, permissions, no such id: many unrelated classes
            raise CheckpointError(
                f"vlm is {self.config.vlm!r}: {folder} is no folder, and the Hugging Face hub "
                f"does not give it: {error}"
            ) from error

    def model_id(self) -> str:
        """Return 16 hex digits that name the contents: configuration, weights and model files.

        Where the vision-language model lies does not matter, only what is in it.
        """
        config = asdict(self.config)
        del config["vlm"]
        whole = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
        vlm = self.vlm_folder()
        files = sorted({path for pattern in _VLM_FILES for path in vlm.glob(pattern)})
        for path in (self.tensor_file, *files):
            whole.update(f"{path.name} {_digest(path)}\n".encode())
        return whole.hexdigest()[:16]


def open_checkpoint(folder: Path) -> Checkpoint:
    """Return the checkpoint in `folder`, its configuration checked.

    Raises:
        CheckpointError: the folder is missing or its `config.json` is not sound.
    """
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder} is no folder; a checkpoint is a folder with {CONFIG_FILE}, {TENSOR_FILE} "
            "and what `vlm` names, or the word embedded"
        )
    return Checkpoint(folder, read_config(folder / CONFIG_FILE))


def write_checkpoint(folder: Path, config: PolicyConfig, modules: nn.Module) -> None:
    """Write `config.json` and `model.safetensors` into an existing folder."""
    (folder / CONFIG_FILE).write_text(config.to_json(), encoding="utf-8")
    save_file(dict(modules.state_dict()), folder / TENSOR_FILE)


def load_strict(path: Path, whole: nn.Module, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    """Return the wanted tensors of a safetensors file, once all of it fits the module `whole`.

    Args:
        path: the file.
        whole: what the configuration describes; its weights are not looked at and may be on meta.
        wanted: tells from a tensor's name whether to read it.

    Raises:
        CheckpointError: the file is missing, truncated or no safetensors file, a tensor is
            missing, unknown, of another shape, or holds values that are not finite.
    """
    described = {name: tuple(tensor.shape) for name, tensor in whole.state_dict().items()}
    try:
        with safe_open(_opened(path), "pt") as file:
            held = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            compare_shapes(path, described, held)
            tensors = {name: file.get_tensor(name).float() for name in held if wanted(name)}
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} is truncated or no safetensors file ({error}); other formats are not read"
        ) from error
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(f"{path}: {name} holds values that are not finite")
    return tensors


_Shapes = dict[str, tuple[int, ...]]


def compare_shapes(path: Path, described: _Shapes, held: _Shapes) -> None:
    """Raise CheckpointError with the differences between what is described and what a file holds.

    Both are shapes by name.
    """
    wrong = [
        f"{name}: config.json makes it {described[name]}, the file has {held[name]}"
        for name in described
        if name in held and described[name] != held[name]
    ]
    lacking = [name for name in described if name not in held]
    wrong += [f"{name}: config.json describes it, the file lacks it" for name in lacking]
    unknown = [name for name in held if name not in described]
    wrong += [f"{name}: the file has it, config.json does not" for name in unknown]
    if wrong:
        more = f"\n  and {len(wrong) - 8} more" if len(wrong) > 8 else ""
        raise CheckpointError("\n  ".join([f"{path} contradicts config.json:", *wrong[:8]]) + more)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with _opened(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _opened(path: Path) -> Path:
    if not path.is_file():
        raise CheckpointError(f"{path} is missing")
    return path
