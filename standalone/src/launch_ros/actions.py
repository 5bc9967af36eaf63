"""Actions that know ROS."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import yaml

from launch import Action, LaunchContext, LaunchDescriptionEntity, SomeSubstitutionsType
from launch.actions import ExecuteProcess
from launch.logging import get_logger
from launch.substitutions import SubstitutionFailure
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from vla_ros_standalone import left_out

from .substitutions import ExecutableInPackage
from .utilities import (
    evaluate_parameter_dict,
    evaluate_parameters,
    make_namespace_absolute,
    normalize_parameter_dict,
    normalize_parameters,
    prefix_namespace,
)

__getattr__ = left_out(
    __name__,
    "ComposableNodeContainer LifecycleNode LifecycleTransition LoadComposableNodes ROSTimer "
    "RosTimer SetParametersFromFile SetROSLogDir SetRemap SetUseSimTime",
)

_NAME = "[A-Za-z_][A-Za-z0-9_]*"


def _text(context: LaunchContext, subs: SomeSubstitutionsType) -> str:
    return perform_substitutions(context, normalize_to_list_of_substitutions(subs))


def _validate(kind: str, text: str) -> None:
    """Raise rclpy's exception where `text` is no 'node_name', or no 'namespace'."""
    pattern = _NAME if kind == "node_name" else f"/|(/{_NAME})+"
    if not re.fullmatch(pattern, text) or len(text) > 240:
        module = importlib.import_module(f"rclpy.validate_{kind}")  # slow, and only to refuse
        getattr(module, f"validate_{kind}")(text)


class Node(ExecuteProcess):
    """Runs a node: an executable of a package (or a path) with name, parameters and remappings.

    `parameters` is a list of dicts (nested names are joined by dots) and of YAML files; later ones
    win. `exec_name` names the process; `arguments` go to the node as they are, `ros_arguments`
    behind --ros-args.
    """

    UNSPECIFIED_NODE_NAME = "<node_name_unspecified>"
    UNSPECIFIED_NODE_NAMESPACE = "<node_namespace_unspecified>"

    def __init__(
        self,
        *,
        executable: SomeSubstitutionsType,
        package: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None,
        namespace: SomeSubstitutionsType | None = None,
        exec_name: SomeSubstitutionsType | None = None,
        parameters: Sequence[Any] | None = None,
        remappings: Iterable[tuple[SomeSubstitutionsType, SomeSubstitutionsType]] | None = None,
        ros_arguments: Iterable[SomeSubstitutionsType] | None = None,
        arguments: Iterable[SomeSubstitutionsType] | None = None,
        **kwargs: Any,
    ) -> None:
        command = executable
        if package is not None:
            command = ExecutableInPackage(package=package, executable=executable)
        ros = [] if ros_arguments is None else ["--ros-args", *ros_arguments]
        super().__init__(
            cmd=[command, *(arguments or ()), *ros, "--ros-args"], name=exec_name, **kwargs
        )
        self._node_name = name
        self._namespace = namespace
        self._parameters = normalize_parameters([] if parameters is None else parameters)
        self._remappings = [(source, target) for source, target in remappings or ()]
        self._final_name: str | None = None

    @property
    def node_name(self) -> str:
        """The full name, with its unspecified parts marked; RuntimeError before execution."""
        if self._final_name is None:
            raise RuntimeError("cannot access 'node_name' before executing action")
        return self._final_name

    def is_node_name_fully_specified(self) -> bool:
        """Tell whether both name and namespace are known here."""
        unspecified = (self.UNSPECIFIED_NODE_NAME, self.UNSPECIFIED_NODE_NAMESPACE)
        return not any(part in self.node_name for part in unspecified)

    def execute(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity] | None:
        if self._final_name is None:
            words = self._name_words(context) + self._parameter_words(context)
            for source, target in self._remappings:
                words += ["-r", f"{_text(context, source)}:={_text(context, target)}"]
            self.cmd.extend(normalize_to_list_of_substitutions(word) for word in words)
        return super().execute(context)

    def _name_words(self, context: LaunchContext) -> list[str]:
        name = None if self._node_name is None else _text(context, self._node_name)
        namespace = None if self._namespace is None else _text(context, self._namespace)
        base = context.launch_configurations.get("ros_namespace")
        namespace = make_namespace_absolute(prefix_namespace(base, namespace))
        words = []
        try:
            if name is not None:
                _validate("node_name", name)
                words += ["-r", f"__node:={name}"]
            if namespace is not None:
                _validate("namespace", namespace)
                words += ["-r", f"__ns:={namespace}"]
        except Exception:
            get_logger(__name__).error(
                "Error while expanding or validating node name or namespace for "
                f"'name={name}, namespace={namespace}':"
            )
            raise
        self._final_name = prefix_namespace(
            namespace or self.UNSPECIFIED_NODE_NAMESPACE, name or self.UNSPECIFIED_NODE_NAME
        )
        return words

    def _parameter_words(self, context: LaunchContext) -> list[str]:
        words = []
        for name, value in context.launch_configurations.get("global_params", ()):
            words += ["-p", f"{name}:={list(value) if isinstance(value, tuple) else value}"]
        for parameters in evaluate_parameters(context, self._parameters):
            path = parameters if isinstance(parameters, Path) else self._write(parameters)
            if path.is_file():
                words += ["--params-file", str(path)]
            else:
                get_logger(__name__).warning(f"Parameter file path is not a file: {path}")
        return words

    def _write(self, parameters: dict[str, Any]) -> Path:
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in parameters.items()}
        node = self.node_name if self.is_node_name_fully_specified() else "/**"
        with NamedTemporaryFile(mode="w", prefix="launch_params_", delete=False) as file:
            yaml.dump({node: {"ros__parameters": plain}}, file, default_flow_style=False)
        atexit.register(_remove, file.name)
        return Path(file.name)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


class PushROSNamespace(Action):
    """Puts the nodes behind it, to the end of the group, below a namespace."""

    def __init__(self, namespace: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.namespace = normalize_to_list_of_substitutions(namespace)

    def execute(self, context: LaunchContext) -> None:
        pushed = perform_substitutions(context, self.namespace)
        previous = context.launch_configurations.get("ros_namespace")
        namespace = make_namespace_absolute(prefix_namespace(previous, pushed)) or ""
        try:
            _validate("namespace", namespace)
        except Exception as error:
            raise SubstitutionFailure(
                "The resulting namespace is invalid: "
                f"[previous_namespace='{previous}', pushed_namespace='{pushed}']"
            ) from error
        context.launch_configurations["ros_namespace"] = namespace


PushRosNamespace = PushROSNamespace


class SetParameter(Action):
    """Sets a parameter of all nodes behind it, to the end of the group; a node's own wins."""

    def __init__(self, name: SomeSubstitutionsType, value: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        normalized = normalize_to_list_of_substitutions(name)
        self._parameters = normalize_parameter_dict({tuple(normalized): value})

    def execute(self, context: LaunchContext) -> None:
        evaluated = evaluate_parameter_dict(context, self._parameters)
        # A new list: the old one may be what a group around this restores at its end.
        known = context.launch_configurations.get("global_params", [])
        context.launch_configurations["global_params"] = [*known, *evaluated.items()]
