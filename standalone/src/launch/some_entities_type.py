"""The type of what may be given where entities are expected."""

from collections.abc import Iterable

from .launch_description_entity import LaunchDescriptionEntity, SomeEntitiesType

SomeEntitiesType_types_tuple = (LaunchDescriptionEntity, Iterable)

__all__ = ["SomeEntitiesType", "SomeEntitiesType_types_tuple"]
