import os
import subprocess
import sys
from pathlib import Path

import pytest

from vla_ros.core.errors import CheckpointError
from vla_ros.models.checkpoint import open_checkpoint
from vla_ros.models.embedded import ensure_embedded, resolve_checkpoint

_ASK = """
import sys
from vla_ros.models.embedded import resolve_checkpoint
from vla_ros.models.policy import load_actor
folder = resolve_checkpoint("embedded")
print(folder, load_actor(folder).model_id, "transformers" in sys.modules)
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that two processes filled at once, in which a third one had been killed before."""
    cache = tmp_path_factory.mktemp("cache")
    (cache / ".making-killed").mkdir()
    return cache


def test_two_at_once_get_one_checkpoint(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = os.environ | {"VLA_ROS_CACHE": str(cache)}
    asking = [
        subprocess.Popen([sys.executable, "-c", _ASK], stdout=subprocess.PIPE, env=environment)
        for _ in range(2)
    ]
    answers = {process.communicate()[0] for process in asking}
    assert [process.returncode for process in asking] == [0, 0]
    assert len(answers) == 1
    folder, model_id, imported = answers.pop().decode().split()
    assert imported == "False"  # neither making nor acting leaves it in the process
    assert sorted(path.name for path in cache.iterdir()) == sorted([".lock", Path(folder).name])
    monkeypatch.setenv("VLA_ROS_CACHE", str(cache))
    assert ensure_embedded() == Path(folder)
    checkpoint = open_checkpoint(Path(folder))
    assert checkpoint.model_id() == model_id
    assert len(checkpoint.config.input_sets) == 4
    # Made a second time, it is the same to the last bit.
    again = cache.parent / f"{cache.name}-again"
    again.mkdir()
    monkeypatch.setenv("VLA_ROS_CACHE", str(again))
    assert open_checkpoint(ensure_embedded()).model_id() == model_id


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VLA_ROS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(CheckpointError, match="VLA_ROS_CACHE"):
        ensure_embedded()


def test_making_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLA_ROS_CACHE", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(CheckpointError, match="cannot be made"):
        ensure_embedded()
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_resolve(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_checkpoint(str(tiny)) == tiny
    monkeypatch.setenv("HOME", str(tiny))
    assert resolve_checkpoint("~/vlm") == tiny / "vlm"
    with pytest.raises(CheckpointError, match="'embeded', which is no folder; allowed: embedded"):
        resolve_checkpoint("embeded")
