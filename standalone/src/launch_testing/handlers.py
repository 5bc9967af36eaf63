"""`proc_info` and `proc_output`: what is known of the processes, and what they have written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from launch.actions import ExecuteProcess
from launch.events.process import ProcessExited

from .asserts import assertInStream
from .util import NoMatchingProcessException, resolveProcesses


class ActiveProcInfoHandler:
    """Maps actions, or parts of processes' names, to each one's last start or exit event."""

    def __init__(self) -> None:
        self._events: dict[ExecuteProcess, Any] = {}
        self.proc_event = threading.Condition()

    def append(self, process_info: Any) -> None:
        with self.proc_event:
            self._events[process_info.action] = process_info
            self.proc_event.notify_all()

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._events.values()))

    def processes(self) -> list[ExecuteProcess]:
        return list(self._events)

    def process_names(self) -> list[str]:
        return [event.process_name for event in self]

    def __getitem__(self, key: ExecuteProcess | str) -> Any:
        if not isinstance(key, str):
            return self._events[key]
        for event in self:
            if key in event.process_name:
                return event
        raise KeyError(key)

    def _wait(
        self, process: Any, cmd_args: Any, timeout: float, test: Callable[[Any], bool]
    ) -> bool:
        def holds() -> bool:
            try:
                found = resolveProcesses(self, process=process, cmd_args=cmd_args)
            except NoMatchingProcessException:
                return False
            return test(self[found[0]])

        with self.proc_event:
            return self.proc_event.wait_for(holds, timeout=timeout)

    def assertWaitForShutdown(  # noqa: N802
        self, process: Any, cmd_args: Any = None, *, timeout: float = 10
    ) -> None:
        """Wait until the process has ended; AssertionError after `timeout` seconds."""
        ended = self._wait(process, cmd_args, timeout, lambda e: isinstance(e, ProcessExited))
        assert ended, f"Timed out waiting for process '{process}' to finish"

    def assertWaitForStartup(  # noqa: N802
        self, process: Any, cmd_args: Any = None, *, timeout: float = 10
    ) -> None:
        """Wait until the process has started; AssertionError after `timeout` seconds."""
        started = self._wait(process, cmd_args, timeout, lambda event: True)
        assert started, f"Timed out waiting for process '{process}' to start"


class ActiveIoHandler:
    """Output events in their order, and by process."""

    def __init__(self) -> None:
        self._all: list[Any] = []
        self._by_name: dict[str, list[Any]] = {}
        self.io_event = threading.Condition()

    def track(self, process_name: str) -> None:
        """Know a process that has not written anything yet."""
        with self.io_event:
            self._by_name.setdefault(process_name, [])
            self.io_event.notify_all()

    def append(self, process_io: Any) -> None:
        with self.io_event:
            self._all.append(process_io)
            self._by_name.setdefault(process_io.process_name, []).append(process_io)
            self.io_event.notify_all()

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._all))

    def processes(self) -> list[ExecuteProcess]:
        """Return the processes that have written something."""
        return [events[0].action for events in self._by_name.values() if events]

    def process_names(self) -> list[str]:
        return list(self._by_name)

    def __getitem__(self, key: ExecuteProcess | str) -> list[Any]:
        name = key if isinstance(key, str) else (key.process_details or {})["name"]
        return list(self._by_name[name])

    def assertWaitFor(self, *args: Any, **kwargs: Any) -> None:  # noqa: N802
        """Raise AssertionError where `waitFor` returns False."""
        assert self.waitFor(*args, **kwargs), "Waiting for output timed out"

    def waitFor(  # noqa: N802
        self,
        expected_output: Any,
        process: Any = None,
        cmd_args: Any = None,
        *,
        timeout: float = 10,
        **options: Any,
    ) -> bool:
        """Wait until `assertInStream` holds, at most `timeout` seconds; return whether it does."""

        def holds() -> bool:
            try:
                assertInStream(self, expected_output, process, cmd_args, **options)
            except (NoMatchingProcessException, AssertionError):
                return False
            return True

        with self.io_event:
            found = self.io_event.wait_for(holds, timeout=timeout)
        if not found:  # tell a process that never was from one that did not say it
            resolveProcesses(self, process=process, cmd_args=cmd_args, strict_proc_matching=False)
        return found
