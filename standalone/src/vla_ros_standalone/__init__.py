"""What the stand-ins share, whichever of them are installed beside real packages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def left_out(module: str, names: str) -> Callable[[str], Any]:
    """Return a module's `__getattr__` that says which of ROS 2's names are not carried here."""

    def getter(name: str) -> Any:
        if name in names.split():
            raise ImportError(
                f"{module}.{name} is not carried by vla-ros-standalone; install ROS 2 to use it"
            )
        raise AttributeError(f"module '{module}' has no attribute '{name}'")

    return getter


def parse_launch_arguments(launch_arguments: Sequence[str]) -> list[tuple[str, str]]:
    """Return ('name', 'value') for each 'name:=value', the last of a name only."""
    parsed: dict[str, str] = {}
    for argument in launch_arguments:
        name, separator, value = argument.partition(":=")
        if not separator or not name or not value:
            raise RuntimeError(
                f"malformed launch argument '{argument}', expected format '<name>:=<value>'"
            )
        parsed[name] = value
    return list(parsed.items())


def print_launch_arguments(description: Any) -> None:
    """Print a launch description's declared arguments, what they mean and their defaults."""
    print("Arguments (pass arguments as '<name>:=<value>'):")
    arguments = description.get_launch_arguments()
    for argument in arguments:
        star = "*" if argument._conditionally_included else ""
        print(f"\n    '{argument.name}':{star}\n        {argument.description}")
        if argument.default_value is not None:
            default = " + ".join(token.describe() for token in argument.default_value)
            print(f"        (default: {default})")
    if not arguments:
        print("\n  No arguments.")
    elif any(argument._conditionally_included for argument in arguments):
        print("\n* argument(s) which are only used if specific conditions occur")
