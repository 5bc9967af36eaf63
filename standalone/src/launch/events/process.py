"""Events about a process, and events that tell a process something."""

from __future__ import annotations

import signal as _signal
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vla_ros_standalone import left_out

from . import Event

if TYPE_CHECKING:
    from ..actions import ExecuteProcess

    Matcher = Callable[[ExecuteProcess], bool]

__getattr__ = left_out(
    __name__,
    "ProcessStderr ProcessStdin ProcessStdout matches_executable matches_name matches_pid",
)


class RunningProcessEvent(Event):
    """Base: the action, and its process's final name, command, directory, environment and pid."""

    def __init__(
        self,
        *,
        action: ExecuteProcess,
        name: str,
        cmd: Sequence[str],
        cwd: str | None,
        env: Mapping[str, str] | None,
        pid: int,
    ) -> None:
        self.action = self.execute_process_action = action
        self.process_name = name
        self.cmd, self.cwd, self.env, self.pid = cmd, cwd, env, pid


class ProcessStarted(RunningProcessEvent):
    """A process has started."""


class ProcessExited(RunningProcessEvent):
    """A process has ended; its return code is negative where a signal ended it."""

    def __init__(self, *, returncode: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.returncode = returncode


class ProcessIO(RunningProcessEvent):
    """A process has written `text` (bytes) to stdout or stderr."""

    def __init__(self, *, text: bytes, fd: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.text = text
        self.from_stdin, self.from_stdout, self.from_stderr = fd == 0, fd == 1, fd == 2


class ProcessTargetedEvent(Event):
    """Base: for every process whose action `process_matcher` accepts."""

    def __init__(self, *, process_matcher: Matcher) -> None:
        self.process_matcher = process_matcher


class ShutdownProcess(ProcessTargetedEvent):
    """A process is to be shut down, with escalation."""


class SignalProcess(ProcessTargetedEvent):
    """A process is to be given a signal: 'SIGKILL' or a signal.Signals."""

    def __init__(self, *, signal_number: str | _signal.Signals, process_matcher: Matcher) -> None:
        super().__init__(process_matcher=process_matcher)
        if not isinstance(signal_number, (str, _signal.Signals)):
            raise TypeError(f"'signal_number' must be a str or signal.Signals, got {signal_number}")
        self.signal = signal_number

    @property
    def signal_name(self) -> str:
        return self.signal if isinstance(self.signal, str) else self.signal.name
