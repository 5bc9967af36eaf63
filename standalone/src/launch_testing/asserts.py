"""Assertions about processes' exit codes and output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vla_ros_standalone import left_out

from .util import NO_CMD_ARGS as NO_CMD_ARGS
from .util import resolveProcesses

__getattr__ = left_out(__name__, "SequentialTextChecker assertDefaultStream assertSequentialStdout")

EXIT_OK, EXIT_SIGINT, EXIT_SIGQUIT, EXIT_SIGKILL, EXIT_SIGSEGV = 0, 130, 131, 137, 139
_ANSI = re.compile(r"\x1B\[[0-?]*[ -/]*[@-~]")


def assertExitCodes(  # noqa: N802
    proc_info: Any,
    allowable_exit_codes: Sequence[int] = (EXIT_OK,),
    process: Any = None,
    cmd_args: Any = None,
    *,
    strict_proc_matching: bool = True,
) -> None:
    """Raise AssertionError where a process's exit code is none of the allowable ones."""
    for code in allowable_exit_codes:
        assert isinstance(code, int), f"Provided exit code {code} is not an int"
    options = {"cmd_args": cmd_args, "strict_proc_matching": strict_proc_matching}
    for item in resolveProcesses(proc_info, process=process, **options):
        info = proc_info[item]
        assert info.returncode in allowable_exit_codes, (
            f"Proc {info.process_name} exited with code {info.returncode}"
        )


def assertInStream(  # noqa: N802
    proc_output: Any,
    expected_output: Any,
    process: Any,
    cmd_args: Any = None,
    *,
    output_filter: Callable[[str], str] = lambda text: text,
    strict_proc_matching: bool = True,
    strip_ansi_escape_sequences: bool = True,
    stream: str = "stderr",
) -> None:
    """Raise AssertionError unless one of the processes has written what is expected.

    `expected_output` is text, a compiled regular expression, or several of these in that order.
    See resolveProcesses for `process` and `cmd_args`; `stream` is 'stdout' or 'stderr'.
    """
    if stream not in ("stdout", "stderr"):
        raise ValueError("Invalid value for stream; must be 'stdout' or 'stderr'")
    options = {"cmd_args": cmd_args, "strict_proc_matching": strict_proc_matching}
    processes = resolveProcesses(proc_output, process=process, **options)
    for item in processes:
        events = [event for event in proc_output[item] if getattr(event, f"from_{stream}")]
        text = b"".join(event.text for event in events).decode(errors="replace")
        text = _ANSI.sub("", text) if strip_ansi_escape_sequences else text
        if _find_end(expected_output, output_filter(text).replace("\r\n", "\n"), 0) is not None:
            return
    names = ", ".join(sorted((item.process_details or {})["name"] for item in processes))
    raise AssertionError(
        f"Did not find '{expected_output}' in output for any of the matching processes: {names}"
    )


def _find_end(expected: Any, text: str, start: int) -> int | None:
    """Return where the first occurrence from `start` on ends, None where there is none."""
    if isinstance(expected, (str, re.Pattern)):
        pattern = re.compile(re.escape(expected)) if isinstance(expected, str) else expected
        found = pattern.search(text, start)
        return None if found is None else found.end()
    if not isinstance(expected, Iterable):
        raise ValueError("Unknown format for expected text")
    end: int | None = start
    for part in expected:
        end = None if end is None else _find_end(part, text, end)
    return end


def assertInStdout(*args: Any, **kwargs: Any) -> None:  # noqa: N802
    """Do as assertInStream, in stdout."""
    assertInStream(*args, **kwargs, stream="stdout")


def assertInStderr(*args: Any, **kwargs: Any) -> None:  # noqa: N802
    """Do as assertInStream, in stderr."""
    assertInStream(*args, **kwargs, stream="stderr")
