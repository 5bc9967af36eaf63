"""The direction of the rooms, read from the imports."""

import ast
from pathlib import Path

import pytest

import vla_ros

ROOT = Path(__file__).parents[1] / "vla_ros"
ALLOWED = {
    "core": set(),
    "models": {"core"},
    "ros": {"core", "msg"},
    "sim": {"core"},
    "data": {"core"},
    "report": {"core", "data"},
    "benchmark": {"core", "models", "data"},
    "replay": {"core", "models", "data", "report"},
    "nodes": {"core", "models", "ros", "sim", "data", "report", "msg"},
    "tools": {"core", "models", "sim", "data", "report", "benchmark", "replay"},
}
# Library -> the rooms that may import it.
HOMES = {
    "rclpy": {"ros", "nodes"},
    "torch": {"models", "tools"},
    "transformers": {"models", "tools"},
    "mujoco": {"sim"},
    "message_filters": {"ros", "nodes"},
    "cv_bridge": {"ros", "nodes"},
    "rosbags": {"data"},
    "matplotlib": {"report", "benchmark"},
}
FILES = sorted(ROOT.glob("*/*.py"))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_sources_are_here():
    assert {path.parent.name for path in FILES} == set(ALLOWED)
    assert vla_ros.__version__


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_imports_follow_the_direction_of_the_rooms(path):
    room = path.parent.name
    for name in imports(path):
        first, _, rest = name.partition(".")
        if first == "vla_ros":
            target = rest.split(".")[0]
            assert target == room or target in ALLOWED[room] | {"__version__"}, name
        assert room in HOMES.get(first, {room}), f"{room} must not import {name}"


def test_core_needs_numpy_and_the_standard_library_only():
    import sys

    for path in ROOT.glob("core/*.py"):
        tops = {name.split(".")[0] for name in imports(path)}
        assert tops <= set(sys.stdlib_module_names) | {"numpy", "vla_ros"}, path


def test_no_model_can_stall_the_command_node():
    """Nothing that the command node imports, however far away, imports torch."""
    seen, todo = set(), ["vla_ros.nodes.command"]
    while todo:
        name = todo.pop()
        path = ROOT.parent / (name.replace(".", "/") + ".py")
        if name in seen or not path.exists():
            continue
        seen.add(name)
        for imported in imports(path):
            assert not imported.startswith(("torch", "transformers", "vla_ros.models")), name
            todo += [imported, imported.rpartition(".")[0]]
    assert "vla_ros.core.controller" in seen
