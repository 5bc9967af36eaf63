"""`ros2 launch`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

from vla_ros_standalone import parse_launch_arguments, print_launch_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    flag: dict[str, Any] = {"action": "store_true"}
    interactive = sys.stdin.isatty()
    add("-n", "--noninteractive", default=not interactive, help="No terminal sends Ctrl-C", **flag)
    add("-d", "--debug", help="Put the launch system in debug mode", **flag)
    shown = parser.add_mutually_exclusive_group()
    text = "Print the launch description to the console without launching it."
    shown.add_argument("-p", "--print", "--print-description", help=text, **flag)
    text = "Show arguments that may be given to the launch file."
    shown.add_argument("-s", "--show-args", "--show-arguments", help=text, **flag)
    text = "Show all launched subprocesses' output by overriding their output configuration."
    add("-a", "--show-all-subprocesses-output", help=text, **flag)
    add("--launch-prefix", help="Prefix command, which should go before all executables.")
    add("package_name", help="Name of the ROS package which contains the launch file, or a path")
    add("launch_file_name", nargs="?", help="Name of the launch file")
    text = "Arguments to the launch file; '<name>:=<value>' (for duplicates, last one wins)"
    add("launch_arguments", nargs="*", help=text)


def _path_in_package(package_name: str, file_name: str | None) -> str:
    """Return the path of the one file of that name anywhere in a package's share directory.

    Raises:
        RuntimeError: there is no such package, no such file, or more than one.
    """
    try:
        share = get_package_share_directory(package_name)
    except (PackageNotFoundError, ValueError) as error:
        raise RuntimeError(f"Package '{package_name}' not found: {error}") from error
    found = [os.path.join(root, name) for root, _, names in os.walk(share) for name in names]
    found = [path for path in found if os.path.basename(path) == file_name]
    where = f"in the share directory of package '{package_name}'"
    if not found:
        raise RuntimeError(f"file '{file_name}' was not found {where} which is at '{share}'")
    if len(found) > 1:
        paths = ", ".join(f"'{path}'" for path in found)
        raise RuntimeError(f"file '{file_name}' was found more than once {where}: [{paths}]")
    return found[0]


def main(args: argparse.Namespace) -> int | None:
    """Run, print or explain a launch file."""
    import launch
    from launch import launch_description_sources as sources

    arguments = list(args.launch_arguments)
    if os.path.isfile(args.package_name):
        path = args.package_name
        arguments = [x for x in [args.launch_file_name] if x is not None] + arguments
    else:
        path = _path_in_package(args.package_name, args.launch_file_name)
    if args.launch_prefix:
        arguments.append(f"launch-prefix:={args.launch_prefix}")
    if args.show_all_subprocesses_output:
        os.environ["OVERRIDE_LAUNCH_PROCESS_OUTPUT"] = "both"
    if args.show_args or args.print:
        description = sources.get_launch_description_from_any_launch_file(path)
        if args.show_args:
            print_launch_arguments(description)
        else:
            print(launch.LaunchIntrospector().format_launch_description(description))
        return None
    service = launch.LaunchService(
        argv=arguments, noninteractive=args.noninteractive, debug=args.debug
    )
    include = launch.actions.IncludeLaunchDescription(
        sources.AnyLaunchDescriptionSource(path), launch_arguments=parse_launch_arguments(arguments)
    )
    service.include_launch_description(launch.LaunchDescription([include]))
    return service.run()
