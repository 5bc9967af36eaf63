"""OutputLines: a process's output, cut into lines."""

from __future__ import annotations

import codecs
from collections.abc import Callable


class OutputLines:
    """Gives each whole line of stdout (1) and stderr (2) to `on_line`, and keeps all if `keep`."""

    def __init__(self, on_line: Callable[[int, str], None], keep: bool) -> None:
        self._on_line = on_line
        self._keep = keep
        self.kept = {1: "", 2: ""}
        self._restart()

    def _restart(self) -> None:
        # Bytes arrive in chunks that can end within a line, or within a letter.
        self._decoders = {fd: codecs.getincrementaldecoder("utf-8")("replace") for fd in (1, 2)}
        self._partial = {1: "", 2: ""}

    def add(self, fd: int, data: bytes) -> None:
        text = self._decoders[fd].decode(data).replace("\r\n", "\n")
        if self._keep:
            self.kept[fd] += text
        *lines, self._partial[fd] = (self._partial[fd] + text).split("\n")
        for line in lines:
            self._on_line(fd, line)

    def flush(self) -> None:
        """Give what has no line end; the process has ended."""
        for fd, line in self._partial.items():
            if line:
                self._on_line(fd, line)
        self._restart()
