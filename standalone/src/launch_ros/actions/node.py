"""Node."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from launch import LaunchContext, LaunchDescriptionEntity, SomeSubstitutionsType
from launch.actions import ExecuteProcess
from launch.logging import get_logger
from launch.utilities import (
    ensure_argument_type,
    normalize_to_list_of_substitutions,
    perform_substitutions,
)

from ..parameter_descriptions import Parameter
from ..substitutions import ExecutableInPackage
from ..utilities import (
    evaluate_parameters,
    make_namespace_absolute,
    normalize_parameters,
    normalize_remap_rules,
    prefix_namespace,
)
from ..utilities.namespace_utils import validate_namespace, validate_node_name


class Node(ExecuteProcess):
    """Runs a node: an executable of a package (or a path) with name, parameters and remappings.

    `parameters` is a list of dicts (nested names are joined by dots), of YAML files and of
    Parameters; later ones win. `exec_name` names the process; `arguments` go to the node as they
    are, `ros_arguments` behind --ros-args.
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
        if package is not None:
            command: SomeSubstitutionsType = ExecutableInPackage(
                package=package, executable=executable
            )
        else:
            command = executable
        ros = [] if ros_arguments is None else ["--ros-args", *ros_arguments]
        super().__init__(
            cmd=[command, *(arguments or ()), *ros, "--ros-args"], name=exec_name, **kwargs
        )
        if parameters is not None:
            ensure_argument_type(parameters, list, "parameters", "Node")
        self.node_package = package
        self.node_executable = executable
        self._name = name
        self._namespace = namespace
        self._parameters = normalize_parameters(parameters or [])
        self._remappings = list(normalize_remap_rules(remappings or ()))
        self._final_name: str | None = None
        self.expanded_node_namespace = self.UNSPECIFIED_NODE_NAMESPACE
        self.expanded_remapping_rules: list[tuple[str, str]] | None = None

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
            self._extend_command(context)
        result = super().execute(context)
        if self.is_node_name_fully_specified():
            self._warn_of_twins(context)
        return result

    def _extend_command(self, context: LaunchContext) -> None:
        words = self._name_words(context)
        for name, value in context.launch_configurations.get("global_params", ()):
            words += ["-p", f"{name}:={list(value) if isinstance(value, tuple) else value}"]
        for parameters in evaluate_parameters(context, self._parameters):
            words += self._parameter_words(context, parameters)
        if self._remappings:
            self.expanded_remapping_rules = [
                (perform_substitutions(context, source), perform_substitutions(context, target))
                for source, target in self._remappings
            ]
            for source, target in self.expanded_remapping_rules:
                words += ["-r", f"{source}:={target}"]
        self.cmd.extend(normalize_to_list_of_substitutions(word) for word in words)

    def _name_words(self, context: LaunchContext) -> list[str]:
        def text(subs: SomeSubstitutionsType | None) -> str | None:
            if subs is None:
                return None
            return perform_substitutions(context, normalize_to_list_of_substitutions(subs))

        name, namespace = text(self._name), text(self._namespace)
        base = context.launch_configurations.get("ros_namespace")
        namespace = make_namespace_absolute(prefix_namespace(base, namespace))
        words = []
        try:
            if name is not None:
                validate_node_name(name)
                words += ["-r", f"__node:={name}"]
            if namespace is not None:
                validate_namespace(namespace)
                words += ["-r", f"__ns:={namespace}"]
                self.expanded_node_namespace = namespace
        except Exception:
            get_logger(__name__).error(
                "Error while expanding or validating node name or namespace for "
                f"'package={self.node_package}, executable={self.node_executable}, "
                f"name={self._name}, namespace={self._namespace}':"
            )
            raise
        full = prefix_namespace(self.expanded_node_namespace, name or self.UNSPECIFIED_NODE_NAME)
        self._final_name = full
        return words

    def _parameter_words(self, context: LaunchContext, parameters: Any) -> list[str]:
        if isinstance(parameters, Parameter):
            import yaml

            name, value = parameters.evaluate(context)
            return ["-p", f"{name}:={yaml.dump(value)}"]
        path = parameters if isinstance(parameters, Path) else self._write(parameters)
        if not path.is_file():
            get_logger(__name__).warning(f"Parameter file path is not a file: {path}")
            return []
        return ["--params-file", str(path)]

    def _write(self, parameters: dict[str, Any]) -> Path:
        import yaml

        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in parameters.items()}
        node = self.node_name if self.is_node_name_fully_specified() else "/**"
        with NamedTemporaryFile(mode="w", prefix="launch_params_", delete=False) as file:
            yaml.dump({node: {"ros__parameters": plain}}, file, default_flow_style=False)
        atexit.register(_remove, file.name)
        return Path(file.name)

    def _warn_of_twins(self, context: LaunchContext) -> None:
        names = context.get_locals_as_dict().get("unique_ros_node_names", {})
        count = names.get(self.node_name, 0) + 1
        context.extend_globals({"unique_ros_node_names": {**names, self.node_name: count}})
        if count > 1:
            get_logger(self.name).warning(
                f"there are now at least {count} nodes with the name {self.node_name} "
                "created within this launch context"
            )


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.unlink(path)
