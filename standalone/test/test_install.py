"""Which packages the installer chooses."""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

INSTALL = Path(__file__).resolve().parents[1] / "install.py"


@pytest.fixture
def install(monkeypatch):
    spec = importlib.util.spec_from_file_location("standalone_install", INSTALL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "own", set)
    monkeypatch.setattr(module.shutil, "which", lambda *args, **kwargs: None)
    return module


def present(monkeypatch, *names, origin="/somewhere/__init__.py"):
    def find_spec(name):
        return ModuleSpec(name, None, origin=origin) if name in names else None

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)


def test_only_what_is_absent(install, monkeypatch):
    present(monkeypatch, "launch", "cv_bridge")
    assert install.absent() == [
        *("launch_ros", "launch_testing", "launch_testing_ros", "message_filters", "ros2cli"),
    ]


def test_a_mere_folder_of_that_name_is_no_package(install, monkeypatch):
    present(monkeypatch, "launch", origin=None)
    assert "launch" in install.absent()


def test_no_second_ros2_command(install, monkeypatch):
    present(monkeypatch)
    monkeypatch.setattr(install.shutil, "which", lambda *args, **kwargs: "/opt/ros2")
    assert "ros2cli" not in install.absent() and "launch" in install.absent()


def test_its_own_packages_are_installed_again(install, monkeypatch):
    present(monkeypatch, "launch", "launch_ros")
    monkeypatch.setattr(install, "own", lambda: {"launch"})
    assert "launch" in install.absent() and "launch_ros" not in install.absent()


def test_every_package_is_typed_and_named_in_the_page():
    page = (INSTALL.parent / "README.md").read_text()
    for package in (INSTALL.parent / "src").iterdir():
        if package.is_dir() and not package.name.endswith("egg-info"):
            assert (package / "py.typed").exists(), package
            assert f"`{package.name}`" in page
    assert sys.version_info >= (3, 10)
