"""Command."""

import shlex
import subprocess

from ..launch_context import LaunchContext
from ..logging import get_logger
from ..substitution import SomeSubstitutionsType, Substitution, describe
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from .substitution_failure import SubstitutionFailure


class Command(Substitution):
    """What a command prints; `on_stderr` is 'fail', 'ignore', 'warn' or 'capture'."""

    def __init__(
        self, command: SomeSubstitutionsType, *, on_stderr: SomeSubstitutionsType = "fail"
    ) -> None:
        self.command = normalize_to_list_of_substitutions(command)
        self.on_stderr = normalize_to_list_of_substitutions(on_stderr)

    def describe(self) -> str:
        return f"Command({describe(self.command)})"

    def perform(self, context: LaunchContext) -> str:
        text = perform_substitutions(context, self.command)
        on_stderr = perform_substitutions(context, self.on_stderr)
        if on_stderr not in ("fail", "ignore", "warn", "capture"):
            raise SubstitutionFailure(
                "expected 'on_stderr' to be one of: 'fail', 'ignore', 'warn' or 'capture'"
            )
        stderr = subprocess.STDOUT if on_stderr == "capture" else subprocess.PIPE
        try:
            done = subprocess.run(
                shlex.split(text), stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        except FileNotFoundError as error:
            raise SubstitutionFailure(f"file not found: {error}") from error
        if done.returncode != 0:
            said = f"\nCaptured stderr output: {done.stderr}" if done.stderr else ""
            raise SubstitutionFailure(f"executed command failed. Command: {text}{said}")
        if done.stderr and on_stderr in ("fail", "warn"):
            message = (
                f"executed command showed stderr output. Command: {text}\n"
                f"Captured stderr output:\n{done.stderr}"
            )
            if on_stderr == "fail":
                raise SubstitutionFailure(message)
            get_logger().warning(message)
        return done.stdout
