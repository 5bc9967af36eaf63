"""Between sensor_msgs images and OpenCV's arrays, as ROS 2's Python `cv_bridge`."""

from vla_ros_standalone import left_out

from .core import CvBridge
from .encodings import CvBridgeError, cvtColor2, getCvType

__getattr__ = left_out(__name__, "cvtColorForDisplay")

__all__ = ["CvBridge", "CvBridgeError", "cvtColor2", "getCvType"]
