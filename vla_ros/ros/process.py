"""What a process asks of the operating system: a place in the schedule."""

import os

from rclpy.node import Node


def raise_priority(node: Node, level: int) -> None:
    """Put this thread under SCHED_FIFO at `level` (1 to 99; 0: leave it); say once if refused.

    Only the calling thread moves: those that a library started keep their place.
    """
    if level == 0:
        return
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(level))
    except OSError as error:
        node.get_logger().info(
            f"runs without real-time priority ({error.strerror}): timing is as good as the load "
            "allows. To permit it: an rtprio limit for this user in /etc/security/limits.conf"
        )


def lower_priority(niceness: int) -> None:
    """Yield to everything that is more urgent (0: leave it, up to 19)."""
    if niceness:
        os.nice(niceness)
