"""Where launch descriptions come from: Python launch files."""

from vla_ros_standalone import left_out

from ..invalid_launch_file_error import InvalidLaunchFileError
from .python_launch_description_source import (
    AnyLaunchDescriptionSource,
    InvalidPythonLaunchFileError,
    PythonLaunchDescriptionSource,
    get_launch_description_from_any_launch_file,
    get_launch_description_from_python_launch_file,
)

__getattr__ = left_out(
    __name__,
    *("FrontendLaunchDescriptionSource", "XMLLaunchDescriptionSource"),
    "YAMLLaunchDescriptionSource",
)

__all__ = [
    "AnyLaunchDescriptionSource",
    "InvalidLaunchFileError",
    "InvalidPythonLaunchFileError",
    "PythonLaunchDescriptionSource",
    "get_launch_description_from_any_launch_file",
    "get_launch_description_from_python_launch_file",
]
