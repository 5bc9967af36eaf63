"""`ros2 run`."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess

from ament_index_python.packages import PackageNotFoundError, get_package_prefix


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("--prefix", help="Prefix command, which should go before the executable.")
    add("package_name", help="Name of the ROS package")
    add("executable_name", nargs="?", help="Name of the executable; without it, all are listed")
    add("argv", nargs=argparse.REMAINDER, help="Arguments to the executable")


def _executables(package_name: str) -> list[str]:
    """Return the paths of a package's executables: all below lib/<package>."""
    try:
        prefix = get_package_prefix(package_name)
    except (PackageNotFoundError, ValueError) as error:
        raise RuntimeError(f"Package '{package_name}' not found") from error
    paths = []
    for root, directories, files in os.walk(os.path.join(prefix, "lib", package_name)):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        paths += [os.path.join(root, name) for name in sorted(files)]
    return [path for path in paths if os.access(path, os.X_OK)]


def main(args: argparse.Namespace) -> int | str | None:
    """Run an executable of a package and return its exit code, negative for a signal."""
    paths = _executables(args.package_name)
    if args.executable_name is None:
        print(*[os.path.basename(path) for path in paths], sep="\n")
        return None
    found = [path for path in paths if os.path.basename(path) == args.executable_name]
    if not found:
        return "No executable found"
    if len(found) > 1:
        return "".join(["Multiple executables found:", *(f"\n- {path}" for path in found)])
    with subprocess.Popen([*shlex.split(args.prefix or ""), found[0], *args.argv]) as process:
        while process.returncode is None:
            try:
                process.wait()
            except KeyboardInterrupt:  # a terminal's Ctrl-C reaches the executable by itself
                continue
    code = process.returncode
    if code < 0:
        print("[ros2run]:", signal.strsignal(-code))
    elif code != 0:
        print("[ros2run]:", f"Process exited with failure {code}")
    return code
