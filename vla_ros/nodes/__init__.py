"""Nodes: one a file, with its parameters, interfaces, short callbacks and main."""

import sys
from types import TracebackType


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what ended the process, but for Ctrl-C: it may come while torch is being imported."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _tell
