"""LaunchIntrospector: a launch description as a tree of text."""

from __future__ import annotations

from collections.abc import Iterable

from .actions import EmitEvent, ExecuteProcess, LogInfo, RegisterEventHandler
from .launch_description import LaunchDescription, LaunchDescriptionEntity
from .substitutions import describe


def _process(action: ExecuteProcess) -> str:
    words = ", ".join(describe(word) for word in action.cmd)
    cwd = None if action.cwd is None else f"'{describe(action.cwd)}'"
    env = None
    if action.env is not None:
        pairs = [f"{describe(k)}: {describe(v)}" for k, v in action.env.items()]
        env = "{" + ", ".join(pairs) + "}"
    return f"ExecuteProcess(cmd=[{words}], cwd={cwd}, env={env}, shell={action.shell})"


def _lines(entity: LaunchDescriptionEntity) -> list[str]:
    if isinstance(entity, LogInfo):
        return [f"LogInfo({describe(entity.msg)})"]
    if isinstance(entity, EmitEvent):
        return [f"EmitEvent(event='{entity.event.name}')"]
    if isinstance(entity, ExecuteProcess):
        return [_process(entity)]
    if isinstance(entity, RegisterEventHandler):
        text, entities = entity.event_handler.describe()
        handler = _tree([text], entities)
        head = f"RegisterEventHandler('{entity.event_handler}'):"
        return [head, "└── " + handler[0], *("    " + line for line in handler[1:])]
    return [f"Action('{entity}')"]


def _tree(head: list[str], entities: Iterable[LaunchDescriptionEntity]) -> list[str]:
    out = list(head)
    blocks = [_lines(entity) for entity in entities]
    for number, block in enumerate(blocks):
        last = number == len(blocks) - 1
        out.append(("└── " if last else "├── ") + block[0])
        out += [("    " if last else "│   ") + line for line in block[1:]]
    return out


class LaunchIntrospector:
    """Formats launch descriptions."""

    def format_launch_description(self, launch_description: LaunchDescription) -> str:
        """Return the description as a tree, one line for each entity."""
        return "\n".join(_tree([str(launch_description)], launch_description.entities))
