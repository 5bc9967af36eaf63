"""Filters between subscriptions and callbacks, as ROS 2's Python `message_filters` has them."""

from __future__ import annotations

from vla_ros_standalone import left_out

from .cache import Cache
from .simple_filter import SimpleFilter
from .subscriber import Subscriber
from .synchronizers import ApproximateTimeSynchronizer, TimeSynchronizer

__getattr__ = left_out(__name__, "Chain", "LatestTimeSynchronizer")

__all__ = [
    "ApproximateTimeSynchronizer",
    "Cache",
    "SimpleFilter",
    "Subscriber",
    "TimeSynchronizer",
]
