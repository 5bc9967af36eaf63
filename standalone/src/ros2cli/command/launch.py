"""`ros2 launch`."""

from __future__ import annotations

import argparse
import os
import sys

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

from vla_ros_standalone import parse_launch_arguments, print_launch_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add(
        "-n",
        "--noninteractive",
        default=not sys.stdin.isatty(),
        action="store_true",
        help="Run the launch system non-interactively, with no terminal associated",
    )
    add("-d", "--debug", action="store_true", help="Put the launch system in debug mode")
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "-p",
        "--print",
        "--print-description",
        action="store_true",
        help="Print the launch description to the console without launching it.",
    )
    group.add_argument(
        "-s",
        "--show-args",
        "--show-arguments",
        action="store_true",
        help="Show arguments that may be given to the launch file.",
    )
    add(
        "-a",
        "--show-all-subprocesses-output",
        action="store_true",
        help="Show all launched subprocesses' output by overriding their output configuration.",
    )
    add("--launch-prefix", help="Prefix command, which should go before all executables.")
    add("--launch-prefix-filter", help="Regex for the executables that get the prefix.")
    add("package_name", help="Name of the ROS package which contains the launch file, or a path")
    add("launch_file_name", nargs="?", help="Name of the launch file")
    add(
        "launch_arguments",
        nargs="*",
        help="Arguments to the launch file; '<name>:=<value>' (for duplicates, last one wins)",
    )


def get_share_file_path_from_package(*, package_name: str, file_name: str | None) -> str:
    """Return the path of the one file of that name anywhere in a package's share directory.

    Raises:
        RuntimeError: there is no such package, no such file, or more than one.
    """
    try:
        share = get_package_share_directory(package_name)
    except (PackageNotFoundError, ValueError) as error:
        raise RuntimeError(f"Package '{package_name}' not found: {error}") from error
    found = [
        os.path.join(root, file_name or "")
        for root, _, files in os.walk(share)
        if file_name in files
    ]
    where = f"in the share directory of package '{package_name}'"
    if not found:
        raise RuntimeError(f"file '{file_name}' was not found {where} which is at '{share}'")
    if len(found) > 1:
        paths = ", ".join(f"'{path}'" for path in found)
        raise RuntimeError(f"file '{file_name}' was found more than once {where}: [{paths}]")
    return found[0]


def main(args: argparse.Namespace) -> int | str | None:
    """Run, print or explain a launch file."""
    arguments = list(args.launch_arguments)
    if os.path.isfile(args.package_name):
        path = args.package_name
        arguments = [x for x in [args.launch_file_name] if x is not None] + arguments
    else:
        path = get_share_file_path_from_package(
            package_name=args.package_name, file_name=args.launch_file_name
        )
    if args.launch_prefix is None and args.launch_prefix_filter is not None:
        return "--launch-prefix must be specified if --launch-prefix-filter is provided"
    for option in ("launch_prefix", "launch_prefix_filter"):
        if getattr(args, option):
            arguments.append(f"{option.replace('_', '-')}:={getattr(args, option)}")
    if args.show_all_subprocesses_output:
        os.environ["OVERRIDE_LAUNCH_PROCESS_OUTPUT"] = "both"
    return _act(args, path, arguments)


def _act(args: argparse.Namespace, path: str, arguments: list[str]) -> int | None:
    import launch
    from launch.launch_description_sources import (
        AnyLaunchDescriptionSource,
        get_launch_description_from_any_launch_file,
    )

    if args.show_args:
        print_launch_arguments(get_launch_description_from_any_launch_file(path))
        return None
    if args.print:
        description = get_launch_description_from_any_launch_file(path)
        print(launch.LaunchIntrospector().format_launch_description(description))
        return None
    service = launch.LaunchService(
        argv=arguments, noninteractive=args.noninteractive, debug=args.debug
    )
    include = launch.actions.IncludeLaunchDescription(
        AnyLaunchDescriptionSource(path), launch_arguments=parse_launch_arguments(arguments)
    )
    service.include_launch_description(launch.LaunchDescription([include]))
    return service.run()
