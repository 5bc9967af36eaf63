"""Runs the graph as a launch of its own, from its start to its report."""

import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from vla_ros.core.errors import VlaError

# Of a failed launch so many lines are told.
_TAIL = 40
# An encode is finished and a report is drawn before the launch has ended.
_PATIENCE_S = 60.0
Watch = Callable[[str, int], None]


def ros2_command() -> str:
    """Return the ros2 command: the one beside this interpreter, else the one on the path.

    Raises:
        VlaError: there is none.
    """
    beside = Path(sys.executable).with_name("ros2")
    found = str(beside) if beside.exists() else shutil.which("ros2")
    if found is None:
        raise VlaError("no ros2 command: source ROS 2's setup file, or run this from its .venv")
    return found


def run_graph(arguments: Sequence[str], watch: Watch = lambda line, pid: None) -> None:
    """Run realtime.launch.py with these arguments until it has ended.

    SIGINT and SIGTERM end the launch too, as Ctrl-C in its terminal would, and raise
    KeyboardInterrupt when nothing of it is left.

    Args:
        arguments: of the launch file, NAME:=VALUE.
        watch: called with each line that the launch prints, and the launch's process id.

    Raises:
        VlaError: the launch failed, with the end of what it printed.
    """
    command = [ros2_command(), "launch", "vla_ros", "realtime.launch.py", *arguments]
    tail: deque[str] = deque(maxlen=_TAIL)
    with _ended_with_us(command) as process:
        assert process.stdout is not None
        for line in process.stdout:
            tail.append(line)
            watch(line, process.pid)
        code = process.wait()
    if code:
        raise VlaError(f"{' '.join(command)} failed with code {code}:\n{''.join(tail)}".rstrip())


@contextmanager
def _ended_with_us(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a process that leads a group of its own; end the group if anything interrupts us."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            yield process
        except BaseException:
            _end(process)
            raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _end(process: subprocess.Popen[str]) -> None:
    """Do what a terminal's Ctrl-C does to the group; who asks a second time does not wait."""
    _signal(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=_PATIENCE_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        _signal(process.pid, signal.SIGKILL)
        process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(group, number)
