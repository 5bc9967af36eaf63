"""`ros2 pkg`: prefix, executables and list."""

from __future__ import annotations

import argparse
import os

from ament_index_python.packages import (
    PackageNotFoundError,
    get_package_prefix,
    get_packages_with_prefixes,
)


def get_prefix(package_name: str) -> str:
    """Return the prefix of a package; RuntimeError where it is not installed."""
    try:
        return str(get_package_prefix(package_name))
    except (PackageNotFoundError, ValueError) as error:
        raise RuntimeError(f"Package '{package_name}' not found") from error


def get_executable_paths(*, package_name: str) -> list[str]:
    """Return the paths of a package's executables: all below lib/<package>."""
    paths = []
    base = os.path.join(get_prefix(package_name), "lib", package_name)
    for root, directories, files in os.walk(base):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        paths += [os.path.join(root, name) for name in sorted(files)]
    return [path for path in paths if os.access(path, os.X_OK)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="verb")
    prefix = verbs.add_parser("prefix", help="Output the prefix path of a package")
    prefix.add_argument("package_name")
    prefix.add_argument("--share", action="store_true", help="Show the share directory instead")
    executables = verbs.add_parser("executables", help="Output a list of executables")
    executables.add_argument("package_name", nargs="?")
    executables.add_argument("--full-path", action="store_true")
    verbs.add_parser("list", help="Output a list of available packages")


def main(args: argparse.Namespace) -> int | str | None:
    """Print what the verb asks for."""
    if args.verb == "prefix":
        prefix = get_prefix(args.package_name)
        print(os.path.join(prefix, "share", args.package_name) if args.share else prefix)
    elif args.verb == "list":
        print(*sorted(get_packages_with_prefixes()), sep="\n")
    else:
        names = [args.package_name] if args.package_name else sorted(get_packages_with_prefixes())
        for name in names:
            for path in get_executable_paths(package_name=name):
                print(path if args.full_path else f"{name} {os.path.basename(path)}")
    return None
