"""Markers for test descriptions."""

from __future__ import annotations

from typing import Any

from vla_ros_standalone import left_out

__getattr__ = left_out(__name__, "retry_on_failure")


def keep_alive(test_description: Any) -> Any:
    """Keep the launch going though no process is running."""
    known = getattr(test_description, "__markers__", {})
    test_description.__markers__ = {**known, "keep_alive": True}
    return test_description
