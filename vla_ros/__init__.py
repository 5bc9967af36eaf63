"""Vision-language-action policies on a real robot, in real time, on ROS 2."""

from pkgutil import extend_path

# The sources and the generated messages (vla_ros/msg) may be installed in different places.
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"
