"""What actions and substitutions share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..substitution import SomeSubstitutionsType, Substitution

if TYPE_CHECKING:
    from ..launch_context import LaunchContext
    from ..launch_description_entity import LaunchDescriptionEntity


def normalize_to_list_of_substitutions(subs: SomeSubstitutionsType) -> list[Substitution]:
    """Return `subs` as a list of substitutions; TypeError for anything but text and those."""
    from ..substitutions import TextSubstitution

    def normalize(item: object) -> Substitution:
        if isinstance(item, Substitution):
            return item
        if isinstance(item, str):
            return TextSubstitution(text=item)
        raise TypeError(
            f"Failed to normalize given item of type '{type(item)}', "
            "when only 'str' or 'launch.Substitution' were expected."
        )

    return [normalize(sub) for sub in ([subs] if isinstance(subs, (str, Substitution)) else subs)]


def perform_substitutions(context: LaunchContext, subs: Iterable[Substitution]) -> str:
    """Return the text of all of them, joined with nothing between."""
    return "".join(context.perform_substitution(sub) for sub in subs)


def normalize_to_list_of_entities(entities: Iterable[Any]) -> list[LaunchDescriptionEntity]:
    """Flatten entities and iterables of entities into one list."""
    from ..launch_description_entity import LaunchDescriptionEntity

    flat: list[LaunchDescriptionEntity] = []
    for entity in entities:
        flat.extend([entity] if isinstance(entity, LaunchDescriptionEntity) else entity)
    return flat


def ensure_argument_type(
    argument: object, types: Any, argument_name: str, caller: str | None = None
) -> None:
    """Raise TypeError unless `argument` is of one of the types."""
    allowed = tuple(types) if isinstance(types, Iterable) else (types,)
    if not isinstance(argument, allowed):
        start = "E" if caller is None else f"'{caller}' e"
        raise TypeError(
            f"{start}xpected '{argument_name}' to be one of "
            f"[{', '.join(str(x) for x in allowed)}], "
            f"but got '{argument}' of type '{type(argument)}'"
        )
