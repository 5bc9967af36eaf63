"""Launch ROS 2 nodes: the part of ROS 2's `launch_ros` that is carried here."""

from . import actions, parameter_descriptions, substitutions, utilities

__all__ = ["actions", "parameter_descriptions", "substitutions", "utilities"]
