"""FindPackagePrefix and FindPackageShare."""

from __future__ import annotations

from ament_index_python.packages import get_package_prefix, get_package_share_directory

from launch import LaunchContext, SomeSubstitutionsType, Substitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions


def _describe(subs: list[Substitution]) -> str:
    return " + ".join(sub.describe() for sub in subs)


class FindPackage(Substitution):
    """Base: a path of a package; PackageNotFoundError where the package is not installed."""

    def __init__(self, package: SomeSubstitutionsType) -> None:
        self.package = normalize_to_list_of_substitutions(package)

    def describe(self) -> str:
        return f"{type(self).__name__}(pkg={_describe(self.package)})"

    def find(self, package_name: str) -> str:
        raise NotImplementedError

    def perform(self, context: LaunchContext) -> str:
        return self.find(perform_substitutions(context, self.package))


class FindPackagePrefix(FindPackage):
    """The prefix under which a package is installed."""

    def find(self, package_name: str) -> str:
        return str(get_package_prefix(package_name))


class FindPackageShare(FindPackage):
    """A package's share directory."""

    def find(self, package_name: str) -> str:
        return str(get_package_share_directory(package_name))
