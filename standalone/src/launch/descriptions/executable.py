"""Executable."""

from __future__ import annotations

import itertools
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..launch_context import LaunchContext
from ..substitution import SomeSubstitutionsType, Substitution
from ..substitutions import LaunchConfiguration
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from ..action import Action

    Environment = Mapping[SomeSubstitutionsType, SomeSubstitutionsType]

_counter = itertools.count(1)


def _pairs(env: Environment | None) -> list[tuple[list[Substitution], list[Substitution]]] | None:
    if env is None:
        return None
    normalize = normalize_to_list_of_substitutions
    return [(normalize(name), normalize(value)) for name, value in env.items()]


class Executable:
    """A command, where and with which environment it runs, and a name for people.

    `prefix` goes before the command and defaults to the launch configuration `launch-prefix`,
    which is applied where the regular expression `launch-prefix-filter` matches the command's
    base name. `env` replaces the environment, `additional_env` adds to it. The final_* attributes
    are None until `prepare`.
    """

    def __init__(
        self,
        *,
        cmd: Iterable[SomeSubstitutionsType],
        prefix: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None,
        cwd: SomeSubstitutionsType | None = None,
        env: Environment | None = None,
        additional_env: Environment | None = None,
        arguments: Iterable[SomeSubstitutionsType] | None = None,
    ) -> None:
        normalize = normalize_to_list_of_substitutions
        arguments = None if arguments is None else list(arguments)
        self.cmd = [normalize(word) for word in [*cmd, *(arguments or ())]]
        self.arguments = arguments
        self._filter = LaunchConfiguration("launch-prefix-filter", default="")
        self._filtered = prefix is None
        if prefix is None:
            prefix = LaunchConfiguration("launch-prefix", default="")
        self.prefix = normalize(prefix)
        self.name = None if name is None else normalize(name)
        self.cwd = None if cwd is None else normalize(cwd)
        self.env = _pairs(env)
        self.additional_env = _pairs(additional_env)
        self.final_cmd: list[str] | None = None
        self.final_name: str | None = None
        self.final_cwd: str | None = None
        self.final_env: dict[str, str] | None = None

    def prepare(self, context: LaunchContext, action: Action) -> None:
        """Perform all substitutions; the name gets a number that no other process has."""
        cmd = [perform_substitutions(context, word) for word in self.cmd]
        base = os.path.basename(cmd[0])
        if not self._filtered or re.match(self._filter.perform(context), base):
            cmd = shlex.split(perform_substitutions(context, self.prefix)) + cmd
        self.final_cmd = cmd
        name = self.name and perform_substitutions(context, self.name)
        self.final_name = f"{name or os.path.basename(cmd[0])}-{next(_counter)}"
        self.final_cwd = None if self.cwd is None else perform_substitutions(context, self.cwd)
        self.final_env = dict(context.environment) if self.env is None else {}
        for key, value in [*(self.env or ()), *(self.additional_env or ())]:
            self.final_env[perform_substitutions(context, key)] = perform_substitutions(
                context, value
            )
