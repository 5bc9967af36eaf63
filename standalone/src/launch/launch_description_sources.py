"""Where launch descriptions come from: Python launch files; XML and YAML ones are not carried."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

from vla_ros_standalone import left_out

from .launch_context import LaunchContext
from .launch_description import LaunchDescription
from .logging import get_logger
from .substitutions import SomeSubstitutionsType, describe, text_of

__getattr__ = left_out(
    __name__,
    "FrontendLaunchDescriptionSource InvalidFrontendLaunchFileError XMLLaunchDescriptionSource "
    "YAMLLaunchDescriptionSource get_launch_description_from_frontend_launch_file "
    "load_python_launch_file_as_module",
)


class InvalidLaunchFileError(Exception):
    """A launch file has an unknown format or does not load; the causes are in the text."""

    def __init__(self, extension: str = "", *, likely_errors: Sequence[Exception] = ()) -> None:
        message = "The launch file may have a syntax error, or its format is unknown"
        if extension and likely_errors:
            message = f"Caught exception when trying to load file of format [{extension}]:"
            message += "".join(f"\n - {type(e).__name__}: {e}" for e in likely_errors)
        super().__init__(message)


class InvalidPythonLaunchFileError(Exception):
    """A Python launch file has no generate_launch_description()."""


def get_launch_description_from_python_launch_file(
    python_launch_file_path: str,
) -> LaunchDescription:
    """Return what a launch file's generate_launch_description() gives."""
    loader = SourceFileLoader("python_launch_file", python_launch_file_path)
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)  # it is not put into sys.modules
    loader.exec_module(module)
    if not hasattr(module, "generate_launch_description"):
        raise InvalidPythonLaunchFileError(
            f"launch file at '{python_launch_file_path}' does not contain the required function "
            "'generate_launch_description()'"
        )
    description: LaunchDescription = module.generate_launch_description()
    return description


def get_launch_description_from_any_launch_file(launch_file_path: str) -> LaunchDescription:
    """Return the description in a launch file of any name.

    Raises:
        InvalidLaunchFileError: it does not load as Python; its cause says why.
    """
    extension = os.path.splitext(launch_file_path)[1].lstrip(".")
    try:
        return get_launch_description_from_python_launch_file(launch_file_path)
    except (InvalidPythonLaunchFileError, SyntaxError) as error:
        raise InvalidLaunchFileError(extension, likely_errors=[error]) from error


class LaunchDescriptionSource:
    """Loads a launch description once, when it is first asked for."""

    def __init__(
        self,
        launch_description: LaunchDescription | None = None,
        location: SomeSubstitutionsType = "<string>",
        method: str = "unspecified mechanism from a script",
    ) -> None:
        self._launch_description = launch_description
        self._location = location
        self._expanded_location: str | None = None
        self.method = method

    @property
    def location(self) -> str:
        """The expanded path once loaded; until then, its substitutions described."""
        expanded = self._expanded_location
        return describe(self._location) if expanded is None else expanded

    def try_get_launch_description_without_context(self) -> LaunchDescription | None:
        """Return the description if it loads with no launch configuration at all, else None."""
        if self._launch_description is not None:
            return self._launch_description
        try:
            return self._load(text_of(LaunchContext(), self._location))
        except Exception as error:  # a launch file can fail in any way; this is only a look
            get_logger(__name__).debug(f"Failed to load the launch file without a context: {error}")
            return None

    def get_launch_description(self, context: LaunchContext) -> LaunchDescription:
        """Return the description, loading it if necessary."""
        if self._expanded_location is None:
            self._expanded_location = text_of(context, self._location)
        if self._launch_description is None:
            self._launch_description = self._load(self._expanded_location)
        return self._launch_description

    @staticmethod
    def _load(location: str, /) -> LaunchDescription:
        raise RuntimeError(f"LaunchDescriptionSource '{location}' without a launch description")


class PythonLaunchDescriptionSource(LaunchDescriptionSource):
    """A Python launch file."""

    _load = staticmethod(get_launch_description_from_python_launch_file)

    def __init__(self, launch_file_path: SomeSubstitutionsType) -> None:
        super().__init__(None, launch_file_path, "interpreted python launch file")


class AnyLaunchDescriptionSource(LaunchDescriptionSource):
    """A launch file of any name."""

    _load = staticmethod(get_launch_description_from_any_launch_file)

    def __init__(self, launch_file_path: SomeSubstitutionsType) -> None:
        super().__init__(None, launch_file_path, "unspecified launch file")
