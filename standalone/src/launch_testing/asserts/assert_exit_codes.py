"""assertExitCodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..util import resolveProcesses

EXIT_OK = 0
EXIT_SIGINT = 130
EXIT_SIGQUIT = 131
EXIT_SIGKILL = 137
EXIT_SIGSEGV = 139


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
    for item in resolveProcesses(
        info_obj=proc_info,
        process=process,
        cmd_args=cmd_args,
        strict_proc_matching=strict_proc_matching,
    ):
        info = proc_info[item]
        assert info.returncode in allowable_exit_codes, (
            f"Proc {info.process_name} exited with code {info.returncode}"
        )
