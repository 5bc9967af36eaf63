"""RunningProcess: a child process whose output arrives in the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

DRAIN_S = 0.5
"""How long output is awaited after the end, for a grandchild may hold the pipe open for ever."""


class _Exit(asyncio.SubprocessProtocol):
    def __init__(self) -> None:
        self.happened = asyncio.get_running_loop().create_future()

    def process_exited(self) -> None:
        self.happened.set_result(None)


class _Reader(asyncio.Protocol):
    def __init__(self, on_data: Callable[[bytes], None]) -> None:
        self.data_received = on_data  # type: ignore[assignment,method-assign]
        self.closed = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)


class RunningProcess:
    """Made by `start`; it shares the launch's process group, so a terminal's Ctrl-C reaches it."""

    def __init__(self, transport: asyncio.SubprocessTransport, ended: _Exit, outputs: Any) -> None:
        self._transport, self._ended = transport, ended
        self._outputs = [os.fdopen(reader, "rb", 0) for reader in outputs]
        self._open: list[asyncio.BaseTransport] = [transport]
        self.pid: int = transport.get_pid()

    @classmethod
    async def start(
        cls, cmd: Sequence[str], emulate_tty: bool, *, shell: bool, **kwargs: Any
    ) -> RunningProcess:
        """Start `cmd` with pipes or terminals. OSError where it cannot start."""
        loop = asyncio.get_running_loop()
        pairs = [pty.openpty() if emulate_tty else os.pipe() for _ in range(2)]
        readers, writers = zip(*pairs)
        kwargs |= {"stdout": writers[0], "stderr": writers[1]}
        try:
            if shell:
                made = await loop.subprocess_shell(_Exit, " ".join(cmd), **kwargs)
            else:
                made = await loop.subprocess_exec(_Exit, *cmd, **kwargs)
        except BaseException:
            for reader in readers:
                os.close(reader)
            raise
        finally:
            for writer in writers:
                os.close(writer)
        return cls(*made, readers)

    async def wait(self, on_output: Callable[[int, bytes], None]) -> int:
        """Return the return code once the process has ended and its output has been read.

        `on_output` gets 1 or 2 and the bytes, at last none.
        """
        closed = []
        for fd, file in enumerate(self._outputs, start=1):
            reader = _Reader(lambda data, fd=fd: on_output(fd, data))  # type: ignore[misc]
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda reader=reader: reader,  # type: ignore[misc]
                file,
            )
            self._open.append(transport)
            closed.append(reader.closed)
        await asyncio.shield(self._ended.happened)
        await asyncio.wait(closed, timeout=DRAIN_S)
        for fd in (1, 2):
            on_output(fd, b"")
        code = self._transport.get_returncode()
        assert code is not None
        return code

    def send_signal(self, signum: int) -> None:
        """Signal the process; SIGTERM and SIGKILL go to all its descendants too.

        A shell or wrapper that has not passed SIGINT on would leave them behind.
        """
        family = [self.pid] if self._transport.get_returncode() is None else []
        if signum != signal.SIGINT:
            family += _descendants(self.pid)
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)

    def close(self) -> None:
        """Kill what is still running and close the pipes."""
        if self._transport.get_returncode() is None:
            self.send_signal(signal.SIGKILL)
        for transport in self._open:
            transport.close()
        for file in self._outputs:
            file.close()


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, ahead = [], [pid]
    while ahead:
        ahead += (below := children.get(ahead.pop(), []))
        found += below
    return found
