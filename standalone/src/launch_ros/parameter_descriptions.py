"""ParameterValue and ParameterFile."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from launch import LaunchContext, SomeSubstitutionsType
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from launch.utilities.type_utils import normalize_typed_substitution, perform_typed_substitution
from vla_ros_standalone import left_out

__getattr__ = left_out(__name__, "Parameter")


class ParameterValue:
    """A parameter's value, read as `value_type` where it comes from substitutions."""

    def __init__(self, value: Any, *, value_type: Any = None) -> None:
        self.value = normalize_typed_substitution(value, value_type)
        self.value_type = value_type

    def evaluate(self, context: LaunchContext) -> Any:
        """Return the Python value; `value` is that from now on."""
        self.value = perform_typed_substitution(context, self.value, self.value_type)
        return self.value


class ParameterFile:
    """The path of a YAML file of parameters; substitutions inside it are not carried."""

    def __init__(
        self, param_file: SomeSubstitutionsType | os.PathLike[str], *, allow_substs: bool = False
    ) -> None:
        if allow_substs:
            raise NotImplementedError(
                "ParameterFile(allow_substs=True) is not carried by vla-ros-standalone; "
                "install ROS 2 to use it"
            )
        path = os.fspath(param_file) if isinstance(param_file, os.PathLike) else param_file
        self._param_file = normalize_to_list_of_substitutions(path)

    def evaluate(self, context: LaunchContext) -> Path:
        """Return the path."""
        return Path(perform_substitutions(context, self._param_file))
