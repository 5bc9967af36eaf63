"""Collects modules whose generate_test_description bears the marker `launch_test`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..loader import LoadTestsFromPythonModule
from ..test_runner import LaunchTestRunner

MARKERS = {
    "launch_test": "mark a generate_test_description function as a launch test entrypoint",
    "rostest": "mark a generate_test_description function as a ROS launch test entrypoint",
}


class LaunchTestFailure(Exception):
    """Some tests of a launch test have failed; the text says which, and why."""

    def __init__(self, results: dict[Any, Any]) -> None:
        lines = []
        for result in results.values():
            for case, text in [*result.errors, *result.failures]:
                lines += ["=" * 70, f"FAIL: {case.id()}", "-" * 70, text]
        super().__init__("\n".join(lines))


class LaunchTestItem(pytest.Item):
    """All runs of one module."""

    def __init__(self, *, module: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._module = module

    def runtest(self) -> None:
        arguments = [a for given in self.config.getoption("--launch-args") for a in given]
        runner = LaunchTestRunner(
            LoadTestsFromPythonModule(self._module, name=self.name),
            arguments,
            debug=bool(self.config.getoption("verbose") > 1),
        )
        runner.validate()
        results = runner.run()
        if not all(result.wasSuccessful() for result in results.values()):
            raise LaunchTestFailure(results)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, LaunchTestFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"launch tests: {self.name}"


class LaunchTestModule(pytest.Module):
    """A module with a launch test, which is its only item."""

    def collect(self) -> Iterator[LaunchTestItem]:
        module = self.obj
        yield LaunchTestItem.from_parent(self, name=module.__name__, module=module)


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> LaunchTestModule | None:
    """Make a LaunchTestModule of a module with a marked entry point; leave all others alone."""
    if b"generate_test_description" not in module_path.read_bytes():
        return None
    node: LaunchTestModule = LaunchTestModule.from_parent(parent, path=module_path)
    try:
        entry_point = getattr(node.obj, "generate_test_description", None)
    except Exception:  # pytest's own module will say what is wrong with it
        return None
    marks = getattr(entry_point, "pytestmark", [])
    if not any(mark.name in MARKERS for mark in marks):
        return None
    for mark in marks:
        node.add_marker(getattr(pytest.mark, mark.name).with_args(*mark.args, **mark.kwargs))
    return node


def pytest_addoption(parser: Any) -> None:
    """Add --launch-args."""
    parser.addoption(
        "--launch-args", action="append", nargs="*", default=[], help="Launch test arguments"
    )


def pytest_configure(config: Any) -> None:
    """Declare the markers."""
    for name, text in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")
