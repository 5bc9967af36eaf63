"""A process that does nothing, and the search for processes by name."""

import sys

from launch.actions import ExecuteProcess

from .proc_lookup import NO_CMD_ARGS, NoMatchingProcessException, resolveProcesses

_SLEEP = """
import signal
import time

try:
    while True:
        time.sleep(1)
except KeyboardInterrupt:
    pass
"""


def KeepAliveProc() -> ExecuteProcess:  # noqa: N802
    """Return an action whose process runs until the launch shuts down."""
    return ExecuteProcess(cmd=[sys.executable, "-c", _SLEEP])


__all__ = ["NO_CMD_ARGS", "KeepAliveProc", "NoMatchingProcessException", "resolveProcesses"]
