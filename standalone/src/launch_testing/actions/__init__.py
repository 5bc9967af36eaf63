"""Actions for test descriptions."""

from vla_ros_standalone import left_out

from .ready import ReadyToTest

__getattr__ = left_out(__name__, "GTest", "PyTest", "Test")

__all__ = ["ReadyToTest"]
