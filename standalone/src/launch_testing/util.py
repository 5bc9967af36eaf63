"""A process that does nothing, and the search for processes by name."""

from __future__ import annotations

import sys
from typing import Any

from launch.actions import ExecuteProcess

NO_CMD_ARGS = object()
"""As cmd_args: only a process without arguments."""

_SLEEP = """
import contextlib, time
with contextlib.suppress(KeyboardInterrupt):
    while True:
        time.sleep(1)
"""


def KeepAliveProc() -> ExecuteProcess:  # noqa: N802
    """Return an action whose process runs until the launch shuts down."""
    return ExecuteProcess(cmd=[sys.executable, "-c", _SLEEP])


class NoMatchingProcessException(Exception):
    """Nothing is known of such a process."""


def _matches(process: ExecuteProcess, name: str, cmd_args: Any) -> bool:
    details = process.process_details
    if details is None or name not in details["name"]:
        return False
    arguments = details["cmd"][1:]
    if cmd_args is NO_CMD_ARGS:
        return not arguments
    cmd_args = [cmd_args] if isinstance(cmd_args, str) else cmd_args or ()
    return all(argument in arguments for argument in cmd_args)


def resolveProcesses(  # noqa: N802
    info_obj: Any,
    *,
    process: ExecuteProcess | str | None = None,
    cmd_args: Any = None,
    strict_proc_matching: bool = True,
) -> list[ExecuteProcess]:
    """Return the processes in `info_obj`, a handler, that `process` means.

    Args:
        info_obj: a handler of process information or output.
        process: an action, a part of a process's name, or None for all.
        cmd_args: arguments that must be among the command's, or NO_CMD_ARGS.
        strict_proc_matching: refuse a name that fits more than one process.

    Raises:
        NoMatchingProcessException: there is none.
    """
    known = list(info_obj.processes())
    if process is None:
        matches = known
    elif isinstance(process, str):
        matches = [item for item in known if _matches(item, process, cmd_args)]
        strict_proc_matching &= len(matches) > 1
    elif isinstance(process, ExecuteProcess):
        matches = [item for item in known if item is process]
    else:
        raise TypeError(f"proc argument must be 'ExecuteProcess' or 'str' not {type(process)}")
    what = f"matching name '{process}' and args '{cmd_args}'"
    names = ", ".join(sorted(item.process_details["name"] for item in known))
    if not matches:
        raise NoMatchingProcessException(f"Did not find any processes {what}. Procs: {names}")
    if isinstance(process, str) and strict_proc_matching:
        raise Exception(f"Found multiple processes {what}. Procs: {names}")
    return matches
