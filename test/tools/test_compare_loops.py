"""The comparison itself is a benchmark; here, that it finds what it runs and says what failed."""

import sys
from pathlib import Path

import pytest

from vla_ros.core.errors import VlaError
from vla_ros.tools import compare_loops


def test_ros2_is_found_beside_the_interpreter_without_a_path(monkeypatch):
    if not Path(sys.executable).with_name("ros2").exists():
        pytest.skip("ros2 is elsewhere here")
    monkeypatch.setenv("PATH", "")
    assert compare_loops.ros2_command() == str(Path(sys.executable).with_name("ros2"))


def test_without_a_ros2_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(VlaError, match="source ROS 2's setup file"):
        compare_loops.ros2_command()


def test_a_failed_launch_is_named(tmp_path, capsys):
    arguments = ["--seconds", "1", "--repeats", "1", "--output-dir", str(tmp_path), "views:=9"]
    assert compare_loops.main(arguments) == 1
    assert "views:=9 failed" in capsys.readouterr().err
