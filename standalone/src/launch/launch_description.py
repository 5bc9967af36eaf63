"""LaunchDescription, what `generate_launch_description` returns, and the bases of what is in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    from .actions import DeclareLaunchArgument, IncludeLaunchDescription
    from .conditions import Condition
    from .launch_context import LaunchContext

    Arguments = list[tuple[DeclareLaunchArgument, list[IncludeLaunchDescription]]]


class LaunchDescriptionEntity:
    """Something that the launch service visits; visiting may return more of it."""

    def describe_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        return []

    def describe_conditional_sub_entities(
        self,
    ) -> Sequence[tuple[str, Iterable[LaunchDescriptionEntity]]]:
        return []

    def visit(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity] | None:
        return None

    def get_asyncio_future(self) -> Any | None:
        """Return the future that ends with this entity, or None where visiting was all."""
        return None


SomeEntitiesType = Union[LaunchDescriptionEntity, Iterable[LaunchDescriptionEntity]]


class Action(LaunchDescriptionEntity):
    """Base of all actions: something to `execute` where its condition holds."""

    def __init__(self, *, condition: Condition | None = None) -> None:
        self.condition = condition

    def get_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        return []

    def describe_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        return self.get_sub_entities() if self.condition is None else []

    def describe_conditional_sub_entities(
        self,
    ) -> Sequence[tuple[str, Iterable[LaunchDescriptionEntity]]]:
        if self.condition is None:
            return []
        return [(f"Conditionally included by {self!r}", self.get_sub_entities())]

    def visit(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity] | None:
        holds = self.condition is None or self.condition.evaluate(context)
        return self.execute(context) if holds else None

    def execute(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity] | None:
        """Do it; return the entities to visit next, if any."""
        return None


class LaunchDescription(LaunchDescriptionEntity):
    """A list of entities, visited in order."""

    def __init__(self, initial_entities: Iterable[LaunchDescriptionEntity] | None = None) -> None:
        self.entities = list(initial_entities) if initial_entities is not None else []

    def visit(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity] | None:
        return self.entities

    def describe_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        return self.entities

    def add_entity(self, entity: LaunchDescriptionEntity) -> None:
        self.entities.append(entity)

    add_action = add_entity

    def get_launch_arguments(self) -> list[DeclareLaunchArgument]:
        """Return the arguments declared here and in what is included, first of a name only."""
        return [argument for argument, _ in self._arguments()]

    def _arguments(self) -> Arguments:
        """Return each declared argument with the inclusions that lead to it."""
        found: Arguments = []
        _collect(self.entities, False, [], found)
        return found


def _collect(
    entities: Iterable[LaunchDescriptionEntity],
    conditional: bool,
    includes: list[IncludeLaunchDescription],
    found: Arguments,
) -> None:
    from .actions import DeclareLaunchArgument, IncludeLaunchDescription

    for entity in entities:
        if isinstance(entity, DeclareLaunchArgument):
            if any(entity.name == known.name for known, _ in found):
                continue
            entity._conditionally_included = conditional or entity.condition is not None
            found.append((entity, includes))
        below = includes
        if isinstance(entity, IncludeLaunchDescription):
            below = [*includes, entity]
        _collect(entity.describe_sub_entities(), False, below, found)
        for _, sub_entities in entity.describe_conditional_sub_entities():
            _collect(sub_entities, True, below, found)
