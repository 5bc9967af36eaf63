"""ExecutableInPackage."""

from __future__ import annotations

import os
import shutil

from launch import LaunchContext, SomeSubstitutionsType
from launch.substitutions import SubstitutionFailure
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

from .find_package import FindPackagePrefix, _describe


class ExecutableInPackage(FindPackagePrefix):
    """The path of an executable in a package's lib/<package>, else SubstitutionFailure."""

    def __init__(self, executable: SomeSubstitutionsType, package: SomeSubstitutionsType) -> None:
        super().__init__(package)
        self.executable = normalize_to_list_of_substitutions(executable)

    def describe(self) -> str:
        return f"ExecInPkg(pkg={_describe(self.package)}, exec={_describe(self.executable)})"

    def perform(self, context: LaunchContext) -> str:
        executable = perform_substitutions(context, self.executable)
        package = perform_substitutions(context, self.package)
        prefix = super().perform(context)
        libexec = os.path.join(prefix, "lib", package)
        if not os.path.exists(libexec):
            raise SubstitutionFailure(
                f"package '{package}' found at '{prefix}', "
                f"but libexec directory '{libexec}' does not exist"
            )
        result = shutil.which(executable, path=libexec)
        if result is None:
            raise SubstitutionFailure(
                f"executable '{executable}' not found on the libexec directory '{libexec}' "
            )
        return result
