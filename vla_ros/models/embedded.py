"""The checkpoint that the package brings along: made once a machine, then read from the cache."""

import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from vla_ros.core.errors import CheckpointError
from vla_ros.models.recipes import RECIPES

EMBEDDED = "embedded"
_SEED = 0
_REVISION = 1  # raise it when what the making code makes changes
_MAKERS = ("torch", "transformers", "tokenizers")
_UNFINISHED = ".making-"


def resolve_checkpoint(checkpoint: str) -> Path:
    """Return the folder that a `checkpoint` parameter names: `embedded`, or a path.

    Raises:
        CheckpointError: there is no such folder, or the embedded checkpoint cannot be made.
    """
    if checkpoint == EMBEDDED:
        return ensure_embedded()
    folder = Path(checkpoint).expanduser()
    if not folder.is_dir():
        raise CheckpointError(
            f"checkpoint is {checkpoint!r}, which is no folder; allowed: {EMBEDDED}, or a folder "
            "with config.json and model.safetensors"
        )
    return folder


def ensure_embedded() -> Path:
    """Return the embedded checkpoint's folder, made first if it is not in the cache yet.

    The cache is `$VLA_ROS_CACHE`, else `~/.cache/vla_ros`. Processes that ask at the same time
    wait for one of them to make it.
    """
    cache = Path(os.environ.get("VLA_ROS_CACHE") or Path.home() / ".cache" / "vla_ros")
    folder = cache / f"{EMBEDDED}-{_recipe_hash()}"
    if folder.is_dir():
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                _make(cache, folder)
    except OSError as error:
        raise CheckpointError(
            f"the embedded checkpoint cannot be kept in {cache} ({error}); VLA_ROS_CACHE names "
            "another folder"
        ) from error
    return folder


def _make(cache: Path, folder: Path) -> None:
    """Make the checkpoint beside `folder` and move it there whole; the lock is held."""
    for left_over in cache.glob(f"{_UNFINISHED}*"):  # of a maker that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=cache))
    # In a process of its own: what making needs (transformers) would stay in a node's memory.
    tool = [sys.executable, "-m", "vla_ros.tools.make_checkpoint", str(unfinished / EMBEDDED)]
    options = ["--shape", EMBEDDED, "--seed", str(_SEED)]
    made = subprocess.run([*tool, *options], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise CheckpointError(f"the embedded checkpoint cannot be made:\n{made.stderr.strip()}")
    (unfinished / EMBEDDED).rename(folder)
    unfinished.rmdir()


def _recipe_hash() -> str:
    """Return a name for all that the contents depend on."""
    versions = {name: version(name) for name in _MAKERS}
    parts = [_REVISION, _SEED, dataclasses.asdict(RECIPES[EMBEDDED]), versions]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
