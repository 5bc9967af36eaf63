"""Launch ROS 2 nodes: the part of ROS 2's `launch_ros` that is carried here."""

from vla_ros_standalone import left_out

from . import actions as actions
from . import parameter_descriptions as parameter_descriptions
from . import substitutions as substitutions
from . import utilities as utilities

__getattr__ = left_out(__name__, "default_launch_description descriptions events event_handlers")
