"""docs/parameters.md is what the nodes declare; `UPDATE_DOCS=1 make test` writes it anew."""

import dataclasses
import os
from importlib import import_module
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "parameters.md"
NODES = {
    "vl_encoder": "EncoderParams",
    "action": "ActionParams",
    "command": "CommandParams",
    "profiler": "ProfilerParams",
    "sim": "SimParams",
    "bag_source": "BagSourceParams",
}


def allowed(field):
    meta = field.metadata
    if meta["choices"]:
        return ", ".join(f"`{choice}`" for choice in meta["choices"])
    low, high = meta["low"], meta["high"]
    if low is None and high is None:
        return ""
    return f"{low:g} to {high:g}" if high is not None else f"from {low:g}"


def shown(value):
    if isinstance(value, tuple):
        return ", ".join(map(shown, value)) if len(value) <= 3 else f"{shown(value[0])} ..."
    return f"`{value}`" if value != "" else ""


def rendered():
    lines = [
        "# Parameters",
        "",
        "All are set when a node starts; `ros2 param describe` shows the same at run time. A",
        "wrong one ends the node with exit code 2, naming it, what it got and what it may be.",
    ]
    for node, name in NODES.items():
        params = getattr(import_module(f"vla_ros.nodes.{node}"), name)
        lines += ["", f"## {node}", "", "| parameter | default | allowed | what it does |"]
        lines.append("|---|---|---|---|")
        for field in dataclasses.fields(params):
            text = field.metadata["description"]
            lines.append(f"| `{field.name}` | {shown(field.default)} | {allowed(field)} | {text} |")
    return "\n".join(lines) + "\n"


def test_the_page_is_what_the_nodes_declare():
    page = rendered()
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page
