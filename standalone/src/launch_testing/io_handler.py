"""What the processes have written."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from launch.actions import ExecuteLocal

from .asserts import assertInStream
from .util import NoMatchingProcessException, resolveProcesses


class IoHandler:
    """Output events in their order, and by process."""

    def __init__(self) -> None:
        self._all: list[Any] = []
        self._by_name: dict[str, list[Any]] = {}

    def track(self, process_name: str) -> None:
        """Know a process that has not written anything yet."""
        self._by_name.setdefault(process_name, [])

    def append(self, process_io: Any) -> None:
        self._all.append(process_io)
        self._by_name.setdefault(process_io.process_name, []).append(process_io)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._all))

    def processes(self) -> list[ExecuteLocal]:
        """Return the processes that have written something."""
        return [events[0].action for events in self._by_name.values() if events]

    def process_names(self) -> list[str]:
        return list(self._by_name)

    def __getitem__(self, key: ExecuteLocal | str) -> list[Any]:
        name = key if isinstance(key, str) else (key.process_details or {})["name"]
        return list(self._by_name[name])


class ActiveIoHandler(IoHandler):
    """The same while the processes run; tests can wait for what will be written."""

    def __init__(self) -> None:
        super().__init__()
        self.io_event = threading.Condition()

    def track(self, process_name: str) -> None:
        with self.io_event:
            super().track(process_name)
            self.io_event.notify_all()

    def append(self, process_io: Any) -> None:
        with self.io_event:
            super().append(process_io)
            self.io_event.notify_all()

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
