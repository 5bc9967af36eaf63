"""Every node and every tool can be run: `ros2 run vla_ros NAME`."""

import ast
from importlib.metadata import entry_points
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vla_ros"


def has_main(path):
    body = ast.parse(path.read_text()).body
    return any(isinstance(part, ast.FunctionDef) and part.name == "main" for part in body)


@pytest.mark.parametrize("room", ["nodes", "tools"])
def test_what_has_a_main_is_installed_as_an_executable(room):
    runnable = {path.stem for path in (PACKAGE / room).glob("*.py") if has_main(path)}
    installed = {script.value for script in entry_points(group="console_scripts")}
    ours = {value for value in installed if value.startswith(f"vla_ros.{room}.")}
    assert ours == {f"vla_ros.{room}.{name}:main" for name in runnable}
