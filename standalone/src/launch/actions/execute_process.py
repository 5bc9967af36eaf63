"""ExecuteProcess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..descriptions import Executable
from ..substitution import SomeSubstitutionsType
from .execute_local import ExecuteLocal


class ExecuteProcess(ExecuteLocal):
    """Runs a command; see Executable for what is run and ExecuteLocal for how."""

    def __init__(
        self,
        *,
        cmd: Iterable[SomeSubstitutionsType],
        prefix: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None,
        cwd: SomeSubstitutionsType | None = None,
        env: Mapping[SomeSubstitutionsType, SomeSubstitutionsType] | None = None,
        additional_env: Mapping[SomeSubstitutionsType, SomeSubstitutionsType] | None = None,
        **kwargs: Any,
    ) -> None:
        executable = Executable(
            cmd=cmd, prefix=prefix, name=name, cwd=cwd, env=env, additional_env=additional_env
        )
        super().__init__(process_description=executable, **kwargs)

    def _final(self, field: str) -> Any:
        """The final value once executed, until then what was given."""
        final = getattr(self.process_description, f"final_{field}")
        return getattr(self.process_description, field) if final is None else final

    @property
    def name(self) -> Any:
        return self._final("name")

    @property
    def cmd(self) -> Any:
        return self._final("cmd")

    @property
    def cwd(self) -> Any:
        return self._final("cwd")

    @property
    def env(self) -> Any:
        return self._final("env")

    @property
    def additional_env(self) -> Any:
        return self.process_description.additional_env
