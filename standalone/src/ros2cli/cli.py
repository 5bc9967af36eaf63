"""The `ros2` command: its arguments and its exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys

COMMANDS = {
    "launch": "Run a launch file",
    "run": "Run a package specific executable",
    "topic": "Various topic related sub-commands",
}


def main(argv: list[str] | None = None) -> int | str | None:
    """Run one command; return its exit code, or the text of what went wrong."""
    argv = sys.argv[1:] if argv is None else argv
    # Without a sourced ROS, the environment in which this is installed is the only prefix.
    os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
    parser = argparse.ArgumentParser(
        prog="ros2", description="ros2: the part of it that vla-ros-standalone carries"
    )
    subparsers = parser.add_subparsers(metavar="Commands", dest="command")
    for name, text in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=text, description=text)
        if name in argv[:1]:  # only the one that is called is imported
            module = importlib.import_module(f".{name}", __package__)
            module.add_arguments(subparser)
            subparser.set_defaults(main=module.main, parser=subparser)
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return 0
    try:
        result: int | str | None = args.main(args)
    except KeyboardInterrupt:
        return int(signal.SIGINT)
    except RuntimeError as error:
        return str(error)
    return result


if __name__ == "__main__":
    sys.exit(main())
