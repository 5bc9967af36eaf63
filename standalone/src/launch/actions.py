"""Actions: what a launch does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from vla_ros_standalone import left_out

from .event_handlers import EventHandler
from .events import Event
from .events import Shutdown as ShutdownEvent
from .events.process import ProcessExited
from .execute_process import ExecuteProcess as ExecuteProcess
from .launch_context import LaunchContext
from .launch_description import Action, LaunchDescription, LaunchDescriptionEntity
from .launch_description_sources import AnyLaunchDescriptionSource, LaunchDescriptionSource
from .logging import get_logger
from .substitutions import SomeSubstitutionsType, normalize_to_list_of_substitutions, text_of
from .timer_action import TimerAction as TimerAction

__getattr__ = left_out(
    __name__,
    "AppendEnvironmentVariable ExecuteLocal OpaqueCoroutine PopEnvironment PopLaunchConfigurations "
    "PushEnvironment PushLaunchConfigurations ResetEnvironment ResetLaunchConfigurations "
    "UnregisterEventHandler UnsetEnvironmentVariable UnsetLaunchConfiguration",
)

Entities = Iterable[LaunchDescriptionEntity]
Text = SomeSubstitutionsType


class DeclareLaunchArgument(Action):
    """Declares an argument, `name:=value`; it becomes a launch configuration of that name.

    Without a default value it must be given, and with choices its value must be one of them:
    a launch fails with a RuntimeError otherwise.
    """

    def __init__(
        self,
        name: str,
        *,
        default_value: Text | None = None,
        description: str | None = None,
        choices: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if choices is not None and not choices:
            raise RuntimeError("Provided choices arg is empty. Use None to ignore the choice list.")
        if choices is not None and isinstance(default_value, str) and default_value not in choices:
            raise RuntimeError(
                f'Provided default_value "{default_value}" is not in provided choices "{choices}".'
            )
        self.name = name
        self.choices = choices
        self.default_value = (
            None if default_value is None else normalize_to_list_of_substitutions(default_value)
        )
        self.description = _describe(description, choices)
        self._conditionally_included = False

    def execute(self, context: LaunchContext) -> None:
        configurations = context.launch_configurations
        if self.name not in configurations:
            if self.default_value is None:
                get_logger(__name__).error(
                    f'Required launch argument "{self.name}" (description: "{self.description}") '
                    "was not provided"
                )
                raise RuntimeError(f'Required launch argument "{self.name}" was not provided.')
            configurations[self.name] = text_of(context, self.default_value)
        if self.choices is not None and configurations[self.name] not in self.choices:
            raise RuntimeError(
                f'Argument "{self.name}" provided value "{configurations[self.name]}" is not '
                f"valid. Valid options are: {self.choices}"
            )


def _describe(description: str | None, choices: Sequence[str] | None) -> str:
    if choices is None:
        return "no description given" if description is None else description
    if description is None:
        return f"One of: {choices}"
    return f"{description.removesuffix('.')}. Valid choices are: {choices}"


class IncludeLaunchDescription(Action):
    """Includes a launch file, after setting `launch_arguments` as launch configurations.

    They stay set behind it; a GroupAction around it ends them. RuntimeError where an argument
    that the file declares without condition and default is not among those given.
    """

    def __init__(
        self,
        launch_description_source: LaunchDescriptionSource | Text,
        *,
        launch_arguments: Iterable[tuple[Text, Text]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(launch_description_source, LaunchDescriptionSource):
            launch_description_source = AnyLaunchDescriptionSource(launch_description_source)
        self.launch_description_source = launch_description_source
        self.launch_arguments = tuple(launch_arguments or ())

    def get_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        description = self.launch_description_source.try_get_launch_description_without_context()
        return [] if description is None else [description]

    def execute(self, context: LaunchContext) -> Entities:
        description = self.launch_description_source.get_launch_description(context)
        location = self.launch_description_source.location
        path = os.path.abspath(location)
        directory = os.path.dirname(path) if os.path.exists(path) else location
        context.extend_locals(
            {"current_launch_file_path": path, "current_launch_file_directory": directory}
        )
        self._check(description, self._argument_names(context))
        sets = [SetLaunchConfiguration(name, value) for name, value in self.launch_arguments]
        return [*sets, description]

    def _argument_names(self, context: LaunchContext) -> list[str]:
        return [text_of(context, name) for name, _ in self.launch_arguments]

    @staticmethod
    def _check(description: LaunchDescription, given: list[str]) -> None:
        for argument, includes in description._arguments():
            if argument._conditionally_included or argument.default_value is not None:
                continue
            for include in includes:
                given += include._argument_names(LaunchContext())
            if argument.name not in given:
                raise RuntimeError(
                    f"Included launch description missing required argument '{argument.name}' "
                    f"(description: '{argument.description}'), given: [{', '.join(given)}]"
                )


class GroupAction(Action):
    """Executes actions together.

    Scoped, what they set in launch configurations and environment ends with the group. Not
    forwarding, the group sees no configurations but `launch_configurations`.
    """

    def __init__(
        self,
        actions: Entities,
        *,
        scoped: bool = True,
        forwarding: bool = True,
        launch_configurations: Mapping[Text, Text] | None = None,
        **left_over_kwargs: Any,
    ) -> None:
        super().__init__(**left_over_kwargs)
        self._actions = list(actions)
        self._scoped, self._fresh = scoped, scoped and not forwarding
        self._configurations = launch_configurations or {}

    def get_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        return [] if self._fresh else self._actions  # nothing from outside reaches a fresh scope

    def execute(self, context: LaunchContext) -> Entities:
        configurations, environment = dict(context.launch_configurations), dict(os.environ)

        def restore(context: LaunchContext) -> None:
            context.launch_configurations = configurations
            _replace_environment(environment)

        given = self._configurations.items()
        if self._fresh:
            fresh = {text_of(context, name): text_of(context, value) for name, value in given}
            context.launch_configurations = fresh
            _replace_environment(context._first_environment)
        else:
            for name, value in given:
                context.launch_configurations[text_of(context, name)] = text_of(context, value)
        return [*self._actions, *([OpaqueFunction(function=restore)] if self._scoped else [])]


def _replace_environment(values: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(values)


class OpaqueFunction(Action):
    """Calls function(context, *args, **kwargs), which may return entities to visit."""

    def __init__(
        self,
        *,
        function: Callable[..., Any],
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **left_over_kwargs: Any,
    ) -> None:
        super().__init__(**left_over_kwargs)
        if not callable(function):
            raise TypeError(f"OpaqueFunction expected a callable for 'function', got '{function}'")
        self._call = function, args or (), kwargs or {}

    def execute(self, context: LaunchContext) -> Entities | None:
        function, args, kwargs = self._call
        return function(context, *args, **kwargs)  # type: ignore[no-any-return]


class LogInfo(Action):
    """Logs a message of the user's."""

    def __init__(self, *, msg: Text, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.msg = normalize_to_list_of_substitutions(msg)

    def execute(self, context: LaunchContext) -> None:
        get_logger("launch.user").info(text_of(context, self.msg))


class SetLaunchConfiguration(Action):
    """Sets a launch configuration."""

    def __init__(self, name: Text, value: Text, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = normalize_to_list_of_substitutions(name)
        self.value = normalize_to_list_of_substitutions(value)

    def _target(self, context: LaunchContext) -> Any:
        return context.launch_configurations

    def execute(self, context: LaunchContext) -> None:
        self._target(context)[text_of(context, self.name)] = text_of(context, self.value)


class SetEnvironmentVariable(SetLaunchConfiguration):
    """Sets an environment variable for what is launched after it."""

    def _target(self, context: LaunchContext) -> Any:
        return context.environment


class RegisterEventHandler(Action):
    """Registers an event handler."""

    def __init__(self, event_handler: EventHandler, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.event_handler = event_handler

    def execute(self, context: LaunchContext) -> None:
        context.register_event_handler(self.event_handler)

    def describe_conditional_sub_entities(self) -> Sequence[tuple[str, Entities]]:
        text, entities = self.event_handler.describe()
        return [(text, entities)] if entities else []


class EmitEvent(Action):
    """Emits an event."""

    def __init__(self, *, event: Event, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(event, Event):
            raise RuntimeError(f"EmitEvent() expected an event instance, got '{event}'.")
        self.event = event

    def execute(self, context: LaunchContext) -> None:
        context.emit_event_sync(self.event)


class Shutdown(EmitEvent):
    """Shuts the launch down; as a process's `on_exit` it makes that process required."""

    def __init__(self, *, reason: str = "reason not given", **kwargs: Any) -> None:
        super().__init__(event=ShutdownEvent(reason=reason), **kwargs)

    def execute(self, context: LaunchContext) -> None:
        event = context.get_locals_as_dict().get("event")
        if isinstance(event, ProcessExited):
            get_logger("launch").info(
                f"process[{event.process_name}] was required: shutting down launched system"
            )
        super().execute(context)
