"""What is known of the processes: each one's last start or exit event."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from launch.actions import ExecuteLocal
from launch.events.process import ProcessExited

from .util import NoMatchingProcessException, resolveProcesses


class ProcInfoHandler:
    """Maps actions, or parts of processes' names, to events."""

    def __init__(self) -> None:
        self._events: dict[ExecuteLocal, Any] = {}

    def append(self, process_info: Any) -> None:
        self._events[process_info.action] = process_info

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._events.values()))

    def processes(self) -> list[ExecuteLocal]:
        return list(self._events)

    def process_names(self) -> list[str]:
        return [event.process_name for event in self._events.values()]

    def __getitem__(self, key: ExecuteLocal | str) -> Any:
        if not isinstance(key, str):
            return self._events[key]
        for event in self._events.values():
            if key in event.process_name:
                return event
        raise KeyError(key)


class ActiveProcInfoHandler(ProcInfoHandler):
    """The same while the processes run; tests can wait for what will be known."""

    def __init__(self) -> None:
        super().__init__()
        self.proc_event = threading.Condition()

    def append(self, process_info: Any) -> None:
        with self.proc_event:
            super().append(process_info)
            self.proc_event.notify_all()

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
