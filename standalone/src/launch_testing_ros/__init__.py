"""Launch tests that know ROS: the part of `launch_testing_ros` that is carried here."""

from vla_ros_standalone import left_out

from .wait_for_topics import WaitForTopics as WaitForTopics

__getattr__ = left_out(__name__, "DataRepublisher LaunchTestRunner MessagePump tools")
