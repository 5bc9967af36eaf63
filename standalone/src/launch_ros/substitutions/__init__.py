"""Substitutions that know where packages are."""

from vla_ros_standalone import left_out

from .executable_in_package import ExecutableInPackage
from .find_package import FindPackage, FindPackagePrefix, FindPackageShare

__getattr__ = left_out(__name__, "Parameter")

__all__ = ["ExecutableInPackage", "FindPackage", "FindPackagePrefix", "FindPackageShare"]
