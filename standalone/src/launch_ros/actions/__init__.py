"""Actions that know ROS."""

from vla_ros_standalone import left_out

from .node import Node
from .push_ros_namespace import PushROSNamespace
from .set_parameter import SetParameter

PushRosNamespace = PushROSNamespace

__getattr__ = left_out(
    __name__,
    *("ComposableNodeContainer", "LifecycleNode", "LifecycleTransition", "LoadComposableNodes"),
    *("ROSTimer", "RosTimer", "SetParametersFromFile", "SetROSLogDir", "SetRemap"),
    "SetUseSimTime",
)

__all__ = ["Node", "PushROSNamespace", "PushRosNamespace", "SetParameter"]
