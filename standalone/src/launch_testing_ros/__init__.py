"""Launch tests that speak ROS: the part of ROS 2's `launch_testing_ros` that is carried here."""

from vla_ros_standalone import left_out

from .wait_for_topics import WaitForTopics

__getattr__ = left_out(
    __name__, "DataRepublisher", "LaunchTestRunner", "MessagePump", "get_default_filtered_prefixes"
)

__all__ = ["WaitForTopics"]
