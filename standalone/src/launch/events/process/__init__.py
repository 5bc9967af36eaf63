"""Events about a process, and events that tell a process something."""

from __future__ import annotations

import signal as _signal
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...event import Event
from ...utilities import ensure_argument_type

if TYPE_CHECKING:
    from ...actions import ExecuteLocal

    Matcher = Callable[[ExecuteLocal], bool]


class RunningProcessEvent(Event):
    """Base: the action, and its process's final name, command, directory, environment and pid."""

    name = "launch.events.process.RunningProcessEvent"

    def __init__(
        self,
        *,
        action: ExecuteLocal,
        name: str,
        cmd: Sequence[str],
        cwd: str | None,
        env: Mapping[str, str] | None,
        pid: int,
    ) -> None:
        self.action = self.execute_process_action = action
        self.process_name = name
        self.cmd = cmd
        self.cwd = cwd
        self.env = env
        self.pid = pid


class ProcessStarted(RunningProcessEvent):
    """A process has started."""

    name = "launch.events.process.ProcessStarted"


class ProcessExited(RunningProcessEvent):
    """A process has ended; its return code is negative where a signal ended it."""

    name = "launch.events.process.ProcessExited"

    def __init__(self, *, returncode: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.returncode = returncode


class ProcessIO(RunningProcessEvent):
    """A process has written `text` (bytes), or is to be given it."""

    name = "launch.events.process.ProcessIO"

    def __init__(self, *, text: bytes, fd: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.text = text
        self.from_stdin, self.from_stdout, self.from_stderr = fd == 0, fd == 1, fd == 2


class ProcessStdin(ProcessIO):
    """Bytes for a process's standard input."""

    name = "launch.events.process.ProcessStdin"

    def __init__(self, *, text: bytes, **kwargs: Any) -> None:
        super().__init__(text=text, fd=0, **kwargs)


class ProcessStdout(ProcessIO):
    """Bytes from a process's standard output."""

    name = "launch.events.process.ProcessStdout"

    def __init__(self, *, text: bytes, **kwargs: Any) -> None:
        super().__init__(text=text, fd=1, **kwargs)


class ProcessStderr(ProcessIO):
    """Bytes from a process's standard error."""

    name = "launch.events.process.ProcessStderr"

    def __init__(self, *, text: bytes, **kwargs: Any) -> None:
        super().__init__(text=text, fd=2, **kwargs)


class ProcessTargetedEvent(Event):
    """Base: for every process whose action `process_matcher` accepts."""

    name = "launch.events.process.ProcessTargetedEvent"

    def __init__(self, *, process_matcher: Matcher) -> None:
        self.process_matcher = process_matcher


class ShutdownProcess(ProcessTargetedEvent):
    """A process is to be shut down, with escalation."""

    name = "launch.events.process.ShutdownProcess"


class SignalProcess(ProcessTargetedEvent):
    """A process is to be given a signal: 'SIGKILL' or a signal.Signals."""

    name = "launch.events.process.SignalProcess"

    def __init__(self, *, signal_number: str | _signal.Signals, process_matcher: Matcher) -> None:
        super().__init__(process_matcher=process_matcher)
        allowed = (str, _signal.Signals)
        ensure_argument_type(signal_number, allowed, "signal_number", "SignalProcess")
        self.signal = signal_number

    @property
    def signal_name(self) -> str:
        return self.signal if isinstance(self.signal, str) else self.signal.name


def _details(key: str, test: Callable[[Any], bool]) -> Matcher:
    def matcher(action: ExecuteLocal) -> bool:
        details = action.process_details
        return details is not None and key in details and test(details[key])

    return matcher


def matches_pid(pid: int) -> Matcher:
    """Match by process id."""
    return _details("pid", lambda value: bool(value == pid))


def matches_name(name: str) -> Matcher:
    """Match by the final name of the process."""
    return _details("name", lambda value: bool(value == name))


def matches_executable(executable: str) -> Matcher:
    """Match by the end of the command's first word."""
    return _details("cmd", lambda value: bool(value[0].endswith(executable)))
