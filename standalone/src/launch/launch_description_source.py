"""LaunchDescriptionSource: a launch description and where it comes from."""

from __future__ import annotations

from .launch_context import LaunchContext
from .launch_description import LaunchDescription
from .logging import get_logger
from .substitution import SomeSubstitutionsType, describe
from .utilities import normalize_to_list_of_substitutions, perform_substitutions


class LaunchDescriptionSource:
    """Loads a launch description once, when it is first asked for."""

    def __init__(
        self,
        launch_description: LaunchDescription | None = None,
        location: SomeSubstitutionsType = "<string>",
        method: str = "unspecified mechanism from a script",
    ) -> None:
        self._launch_description = launch_description
        self._location = normalize_to_list_of_substitutions(location)
        self._expanded_location: str | None = None
        self.method = method

    @property
    def location(self) -> str:
        """The expanded path once loaded; until then, its substitutions described."""
        if self._expanded_location is None:
            return describe(self._location)
        return self._expanded_location

    def try_get_launch_description_without_context(self) -> LaunchDescription | None:
        """Return the description if it loads with no launch configuration at all, else None."""
        if self._launch_description is not None:
            return self._launch_description
        try:
            return self._get_launch_description(
                perform_substitutions(LaunchContext(), self._location)
            )
        except Exception as error:  # a launch file can fail in any way; this is only a look
            get_logger(__name__).debug(f"Failed to load the launch file without a context: {error}")
            return None

    def get_launch_description(self, context: LaunchContext) -> LaunchDescription:
        """Return the description, loading it if necessary."""
        if self._expanded_location is None:
            self._expanded_location = perform_substitutions(context, self._location)
        if self._launch_description is None:
            self._launch_description = self._get_launch_description(self._expanded_location)
        return self._launch_description

    def _get_launch_description(self, location: str) -> LaunchDescription:
        raise RuntimeError(
            "LaunchDescriptionSource.get_launch_description(): "
            "called without launch description being set"
        )
