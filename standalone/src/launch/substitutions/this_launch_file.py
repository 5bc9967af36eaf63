"""ThisLaunchFile and ThisLaunchFileDir."""

from ..launch_context import LaunchContext
from ..substitution import Substitution
from .substitution_failure import SubstitutionFailure


class ThisLaunchFile(Substitution):
    """The absolute path of the launch file in which it stands."""

    _local = "current_launch_file_path"

    def describe(self) -> str:
        return f"{type(self).__name__}()"

    def perform(self, context: LaunchContext) -> str:
        values = context.get_locals_as_dict()
        if self._local not in values:
            raise SubstitutionFailure(
                f"{type(self).__name__} used outside of a launch file (in a script)"
            )
        return str(values[self._local])


class ThisLaunchFileDir(ThisLaunchFile):
    """The directory of the launch file in which it stands."""

    _local = "current_launch_file_directory"
