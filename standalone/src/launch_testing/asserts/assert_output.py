"""assertInStdout, assertInStderr and assertSequentialStdout."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..tools.text import build_text_match, remove_ansi_escape_sequences
from ..util import resolveProcesses


def assertDefaultStream() -> str:  # noqa: N802
    """Return the stream that is meant where none is named."""
    return "stderr"


def assertInStream(  # noqa: N802
    proc_output: Any,
    expected_output: Any,
    process: Any,
    cmd_args: Any = None,
    *,
    output_filter: Callable[[str], str] | None = None,
    strict_proc_matching: bool = True,
    strip_ansi_escape_sequences: bool = True,
    stream: str = "stderr",
) -> None:
    """Raise AssertionError unless one of the processes has written what is expected.

    See launch_testing.tools.build_text_match for `expected_output` and resolveProcesses for
    `process` and `cmd_args`; `stream` is 'stdout' or 'stderr'.
    """
    processes = resolveProcesses(
        info_obj=proc_output,
        process=process,
        cmd_args=cmd_args,
        strict_proc_matching=strict_proc_matching,
    )
    if output_filter is not None and not callable(output_filter):
        raise ValueError("output_filter is not callable")
    if stream not in ("stdout", "stderr"):
        raise ValueError("Invalid value for stream; must be 'stdout' or 'stderr'")
    match = build_text_match(expected_output)
    for item in processes:
        events = [event for event in proc_output[item] if getattr(event, f"from_{stream}")]
        text = b"".join(event.text for event in events).decode(errors="replace")
        if strip_ansi_escape_sequences:
            text = remove_ansi_escape_sequences(text)
        if match(text if output_filter is None else output_filter(text)) is not None:
            return
    names = ", ".join(sorted((item.process_details or {})["name"] for item in processes))
    raise AssertionError(
        f"Did not find '{expected_output}' in output for any of the matching processes: {names}"
    )


def assertInStdout(*args: Any, **kwargs: Any) -> None:  # noqa: N802
    """Do as assertInStream, in stdout."""
    assertInStream(*args, **kwargs, stream="stdout")


def assertInStderr(*args: Any, **kwargs: Any) -> None:  # noqa: N802
    """Do as assertInStream, in stderr."""
    assertInStream(*args, **kwargs, stream="stderr")


class SequentialTextChecker:
    """Finds texts one behind the other in a list of outputs; a text lies within one of them."""

    def __init__(self, output: Sequence[str]) -> None:
        self._output = output
        self._index = 0
        self._offset = 0

    def assertInText(self, msg: str) -> None:  # noqa: N802
        self.assertInStdout(msg)

    def assertInStdout(self, msg: str) -> None:  # noqa: N802
        """Raise AssertionError unless `msg` comes behind what was found last."""
        offset = self._offset
        for index in range(self._index, len(self._output)):
            found = self._output[index].find(msg, offset)
            if found >= 0:
                self._index, self._offset = index, found + len(msg)
                return
            offset = 0
        raise AssertionError(
            f"'{msg}' not found in sequence after previous match.  "
            f"The output near the last matched line:\n{self.get_nearby_lines()}"
        )

    def get_nearby_lines(self) -> str:
        """Return three lines before and three behind the last match."""
        before = "".join(self._output[: self._index])
        before += "".join(self._output[self._index : self._index + 1])[: self._offset]
        behind = "".join(self._output[self._index :])[self._offset :]
        return "\n".join(before.split("\n")[-3:]) + "\n".join(behind.split("\n")[:3])


@contextlib.contextmanager
def assertSequentialStdout(  # noqa: N802
    proc_output: Any, process: Any, cmd_args: Any = None
) -> Iterator[SequentialTextChecker]:
    """Give a checker of one process's output."""
    (found,) = resolveProcesses(proc_output, process=process, cmd_args=cmd_args)
    yield SequentialTextChecker([event.text.decode() for event in proc_output[found]])
