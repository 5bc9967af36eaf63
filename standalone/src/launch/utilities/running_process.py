"""RunningProcess: a child process whose output arrives in the event loop."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

DRAIN_S = 0.5
"""How long output is awaited after the end, for a grandchild may hold the pipe open for ever."""


class _Output(asyncio.Protocol):
    """One end of a pseudo-terminal."""

    def __init__(self, fd: int, on_output: Callable[[int, bytes], None]) -> None:
        self._fd = fd
        self._on_output = on_output
        self.closed = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._on_output(self._fd, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)


class _Process(asyncio.SubprocessProtocol):
    """A process with pipes."""

    def __init__(self, on_output: Callable[[int, bytes], None]) -> None:
        self._on_output = on_output
        loop = asyncio.get_running_loop()
        self.exited, self.closed = loop.create_future(), loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._on_output(fd, data)

    def process_exited(self) -> None:
        self.exited.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)


class RunningProcess:
    """Made by `start`; it shares the launch's process group, so a terminal's Ctrl-C reaches it."""

    def __init__(self, transport: asyncio.SubprocessTransport, protocol: _Process) -> None:
        self._transport = transport
        self._exited = protocol.exited
        self._open: list[Any] = [transport]
        self._closed = [protocol.closed]
        self.pid = transport.get_pid()

    @classmethod
    async def start(
        cls,
        cmd: Sequence[str],
        on_output: Callable[[int, bytes], None],
        *,
        cwd: str | None,
        env: Mapping[str, str] | None,
        shell: bool = False,
        emulate_tty: bool = False,
    ) -> RunningProcess:
        """Start `cmd`; `on_output` gets 1 or 2 and the bytes. OSError where it cannot start."""
        loop = asyncio.get_running_loop()
        terminals = [(fd, *pty.openpty()) for fd in (1, 2)] if emulate_tty else []
        slaves = {("stdout", "stderr")[fd - 1]: slave for fd, _, slave in terminals}
        kwargs: dict[str, Any] = {"cwd": cwd, "env": env, **slaves}

        def factory() -> _Process:
            return _Process(on_output)

        try:
            if shell:
                made = await loop.subprocess_shell(factory, " ".join(cmd), **kwargs)
            else:
                made = await loop.subprocess_exec(factory, *cmd, **kwargs)
        except BaseException:
            for _, master, _ in terminals:
                os.close(master)
            raise
        finally:
            for slave in slaves.values():
                os.close(slave)
        process = cls(*made)
        for fd, master, _ in terminals:
            output = _Output(fd, on_output)
            pipe = os.fdopen(master, "rb", 0)
            transport, _ = await loop.connect_read_pipe(lambda output=output: output, pipe)  # type: ignore[misc]
            process._open.append(transport)
            process._closed.append(output.closed)
        return process

    @property
    def returncode(self) -> int | None:
        return self._transport.get_returncode()

    async def wait(self) -> int:
        """Return the return code once the process has ended and its output has been read."""
        await asyncio.shield(self._exited)
        await asyncio.wait(self._closed, timeout=DRAIN_S)
        code = self.returncode
        assert code is not None
        return code

    def send_signal(self, signum: int) -> None:
        """Signal the process; SIGTERM and SIGKILL go to all its descendants too.

        A shell or wrapper that has not passed SIGINT on would leave them behind.
        """
        family = [self.pid] if self.returncode is None else []
        if signum != signal.SIGINT:
            family += _descendants(self.pid)
        for pid in family:
            try:
                os.kill(pid, signum)
            except ProcessLookupError:
                continue

    def close(self) -> None:
        """Kill what is still running and close the pipes."""
        if self.returncode is None:
            self.send_signal(signal.SIGKILL)
        for transport in self._open:
            transport.close()


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, ahead = [], [pid]
    while ahead:
        ahead += (below := children.get(ahead.pop(), []))
        found += below
    return found
