"""The `launch_test` command."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from vla_ros_standalone import print_launch_arguments

from .loader import LoadTestsFromPythonModule
from .test_runner import LaunchTestRunner


def load(path: str, name: str) -> ModuleType:
    """Run a test file and return its module."""
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"'{path}' is not a Python file")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(path: str, package: str | None, arguments: list[str], show: bool, verbose: bool) -> int:
    """Run a test file, or show its launch arguments; return the exit code."""
    base = os.path.splitext(os.path.basename(path))[0]
    package = package or base
    module = load(os.path.abspath(path), package)
    runs = LoadTestsFromPythonModule(module, name=f"{package}.{base}.launch_tests")
    runner = LaunchTestRunner(runs, arguments, debug=verbose)
    runner.validate()
    if show:
        print_launch_arguments(runs[0].normalized_test_description()[0])
        return 0
    return int(not all(result.wasSuccessful() for result in runner.run().values()))


def main() -> None:
    """Parse the command line, run, and exit."""
    parser = argparse.ArgumentParser(description="Launch integration testing tool.")
    add = parser.add_argument
    add("launch_test_file", help="Path to the launch test.")
    add("--package-name", help="Name of the package the test is in.")
    add("-v", "--verbose", action="store_true", help="Run with verbose output")
    add("-s", "--show-args", "--show-arguments", action="store_true", help="Show launch arguments.")
    add("launch_arguments", nargs="*", help="Arguments in '<name>:=<value>' format.")
    args = parser.parse_args()
    path = args.launch_test_file
    if not os.path.isfile(path):
        parser.error(f"Test file '{path}' does not exist")
    try:
        code = run(path, args.package_name, args.launch_arguments, args.show_args, args.verbose)
    except Exception as error:  # a test file can fail in any way
        parser.error(str(error))
    sys.exit(code)
