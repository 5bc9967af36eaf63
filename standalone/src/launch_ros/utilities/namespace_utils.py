"""Namespaces, and which of them and of node names are valid."""

from __future__ import annotations

import re


def is_root_namespace(ns: str) -> bool:
    """Tell whether `ns` is the root, /."""
    return ns == "/"


def is_namespace_absolute(ns: str) -> bool:
    """Tell whether `ns` starts at the root."""
    return ns.startswith("/")


def prefix_namespace(base_ns: str | None, ns: str | None) -> str | None:
    """Return `ns` below `base_ns`; an absolute `ns` stands alone."""
    if base_ns is None and ns is None:
        return None
    if ns is None:
        combined = base_ns or ""
    elif not base_ns or is_namespace_absolute(ns):
        combined = ns
    else:
        combined = ("" if is_root_namespace(base_ns) else base_ns) + "/" + ns
    return combined if is_root_namespace(combined) else combined.rstrip("/")


def make_namespace_absolute(ns: str | None) -> str | None:
    """Return `ns` with a leading slash."""
    return ns if ns is None or is_namespace_absolute(ns) else "/" + ns


_NAME = r"[A-Za-z_][A-Za-z0-9_]*"


def validate_node_name(name: str) -> None:
    """Raise rclpy's InvalidNodeNameException where `name` is none."""
    if not re.fullmatch(_NAME, name) or len(name) > 255:
        from rclpy.validate_node_name import validate_node_name  # slow, and needed only to refuse

        validate_node_name(name)


def validate_namespace(namespace: str | None) -> None:
    """Raise rclpy's InvalidNamespaceException where `namespace` is none."""
    text = namespace or ""
    if text != "/" and not re.fullmatch(f"(/{_NAME})+", text) or len(text) > 240:
        from rclpy.validate_namespace import validate_namespace

        validate_namespace(text)
