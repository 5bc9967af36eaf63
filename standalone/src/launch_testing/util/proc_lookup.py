"""resolveProcesses."""

from __future__ import annotations

from typing import Any

from launch.actions import ExecuteLocal

NO_CMD_ARGS = object()
"""As cmd_args: only a process without arguments."""


class NoMatchingProcessException(Exception):
    """Nothing is known of such a process."""


def _describe(process: ExecuteLocal) -> str:
    details = process.process_details
    if details is None:
        return "Unknown - Process not launched yet"
    return " ".join([details["name"], *details["cmd"][1:]])


def _matches(process: ExecuteLocal, name: str, cmd_args: Any) -> bool:
    details = process.process_details
    if details is None or name not in details["name"]:
        return False
    arguments = details["cmd"][1:]
    if cmd_args is NO_CMD_ARGS:
        return not arguments
    return cmd_args is None or all(argument in arguments for argument in cmd_args)


def resolveProcesses(  # noqa: N802
    info_obj: Any,
    *,
    process: ExecuteLocal | str | None = None,
    cmd_args: Any = None,
    strict_proc_matching: bool = True,
) -> list[ExecuteLocal]:
    """Return the processes in `info_obj` that `process` means.

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
        if not known:
            raise NoMatchingProcessException("No data recorded for any process")
        return known
    if isinstance(process, ExecuteLocal):
        if process not in known:
            raise NoMatchingProcessException(f"No data recorded for proc {_describe(process)}")
        return [process]
    if not isinstance(process, str):
        raise TypeError(f"proc argument must be 'ExecuteProcess' or 'str' not {type(process)}")
    cmd_args = [cmd_args] if isinstance(cmd_args, str) else cmd_args
    matches = [item for item in known if _matches(item, process, cmd_args)]
    names = ", ".join(sorted(_describe(item) for item in known))
    if not matches:
        raise NoMatchingProcessException(
            f"Did not find any processes matching name '{process}' and args '{cmd_args}'. "
            f"Procs: {names}"
        )
    if strict_proc_matching and len(matches) > 1:
        raise Exception(
            f"Found multiple processes matching name '{process}' and cmd_args '{cmd_args}'. "
            f"Procs: {names}"
        )
    return matches
