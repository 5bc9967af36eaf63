"""Substitutions that know where packages are."""

from __future__ import annotations

import os
import shutil

from ament_index_python.packages import get_package_prefix, get_package_share_directory

from launch import LaunchContext, SomeSubstitutionsType, Substitution
from launch.substitutions import SubstitutionFailure
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from vla_ros_standalone import left_out

__getattr__ = left_out(__name__, "FindPackage Parameter")


class FindPackagePrefix(Substitution):
    """The prefix of an installed package; PackageNotFoundError where there is none."""

    def __init__(self, package: SomeSubstitutionsType) -> None:
        self.package = normalize_to_list_of_substitutions(package)

    def describe(self) -> str:
        return f"{type(self).__name__}(pkg={_describe(self.package)})"

    def perform(self, context: LaunchContext) -> str:
        return str(get_package_prefix(perform_substitutions(context, self.package)))


class FindPackageShare(FindPackagePrefix):
    """A package's share directory."""

    def perform(self, context: LaunchContext) -> str:
        return str(get_package_share_directory(perform_substitutions(context, self.package)))


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
        libexec = os.path.join(super().perform(context), "lib", package)
        if not os.path.exists(libexec):
            raise SubstitutionFailure(
                f"package '{package}' found, but libexec directory '{libexec}' does not exist"
            )
        result = shutil.which(executable, path=libexec)
        if result is None:
            raise SubstitutionFailure(
                f"executable '{executable}' not found on the libexec directory '{libexec}' "
            )
        return result


def _describe(subs: list[Substitution]) -> str:
    return " + ".join(sub.describe() for sub in subs)
