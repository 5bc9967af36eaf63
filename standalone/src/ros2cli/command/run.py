"""`ros2 run`."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess

from .pkg import get_executable_paths

PREFIX = "[ros2run]:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--prefix", help="Prefix command, which should go before the executable.")
    parser.add_argument("package_name", help="Name of the ROS package")
    parser.add_argument(
        "executable_name", nargs="?", help="Name of the executable; without it, all are listed"
    )
    parser.add_argument("argv", nargs=argparse.REMAINDER, help="Arguments to the executable")


def main(args: argparse.Namespace) -> int | str | None:
    """Run an executable of a package and return its exit code."""
    paths = get_executable_paths(package_name=args.package_name)
    if args.executable_name is None:
        print(*[os.path.basename(path) for path in paths], sep="\n")
        return None
    found = [path for path in paths if os.path.basename(path) == args.executable_name]
    if not found:
        return "No executable found"
    if len(found) > 1:
        return "".join(["Multiple executables found:", *(f"\n- {path}" for path in found)])
    return run_executable([*shlex.split(args.prefix or ""), found[0], *args.argv])


def run_executable(command: list[str]) -> int:
    """Run a command to its end; a terminal's Ctrl-C reaches it by itself, so it is only outlived.

    Returns:
        The exit code, negative where a signal ended the command.
    """
    with subprocess.Popen(command) as process:
        while process.returncode is None:
            try:
                process.wait()
            except KeyboardInterrupt:
                continue
    code = process.returncode
    if -code in signal.valid_signals() and code != 0:
        print(PREFIX, signal.strsignal(-code))
    elif code != 0:
        print(PREFIX, f"Process exited with failure {code}")
    return code
