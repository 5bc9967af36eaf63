"""What every node tells about itself: diagnostics once a second, latency once a cycle."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from vla_ros.core.latency import Stage
from vla_ros.core.safety import Mode
from vla_ros.core.time import Now
from vla_ros.msg import StageLatency
from vla_ros.ros import qos
from vla_ros.ros.convert import to_stamp

_LEVELS = {
    Mode.WAITING: DiagnosticStatus.STALE,
    Mode.RUNNING: DiagnosticStatus.OK,
    Mode.SLOWED: DiagnosticStatus.WARN,
    Mode.HOLD: DiagnosticStatus.ERROR,
}

# Timers follow the steady clock: use_sim_time and clock jumps must not touch them.
STEADY = Clock(clock_type=ClockType.STEADY_TIME)


class Reporter:
    """Publishes a node's diagnostics and latencies, and logs each change of mode once."""

    def __init__(self, node: Node, values: Callable[[], Mapping[str, Any]]) -> None:
        """Publish what `values` returns once a second, beside the mode and its reason."""
        self._node = node
        self._values = values
        self._mode, self._reason = Mode.WAITING, "started"
        self._diagnostics = node.create_publisher(DiagnosticArray, "diagnostics", qos.DIAGNOSTICS)
        self._latency = node.create_publisher(StageLatency, "latency", qos.LATENCY)
        self._timer = node.create_timer(1.0, self._report, clock=STEADY)
        # rclpy looks at every loaded module at its first log, which takes 30 ms: now, not when the
        # robot begins to move.
        node.get_logger().info(f"{self._mode.name}: {self._reason}")

    @property
    def mode(self) -> Mode:
        """The mode that was set last."""
        return self._mode

    def set_mode(self, mode: Mode, reason: str) -> None:
        """Note the mode; log and publish it if it or its reason changed."""
        if (mode, reason) == (self._mode, self._reason):
            return
        logger = self._node.get_logger()
        change = mode.name if mode == self._mode else f"{self._mode.name} -> {mode.name}"
        # Two calls: rclpy ties a severity to the line it is logged from.
        if mode in (Mode.SLOWED, Mode.HOLD):
            logger.warning(f"{change}: {reason}")
        else:
            logger.info(f"{change}: {reason}")
        self._mode, self._reason = mode, reason
        self._report()  # at once: a mode may last less than a second

    def latency(
        self, trace_id: str, cycle: int, start: Now, stages: Sequence[Stage], missed: int = 0
    ) -> None:
        """Publish the stages of the cycle that began at `start`."""
        message = StageLatency(
            node=self._node.get_name(),
            trace_id=trace_id,
            cycle=cycle,
            missed=missed,
            stages=[stage.name for stage in stages],
            start_ms=[(stage.start_ns - start.steady_ns) / 1e6 for stage in stages],
            duration_ms=[stage.duration_ns / 1e6 for stage in stages],
        )
        message.header.stamp = to_stamp(start.ros_ns)
        self._latency.publish(message)

    def _report(self) -> None:
        values = {"mode": self._mode.name, "pid": os.getpid(), **self._values()}
        status = DiagnosticStatus(
            level=_LEVELS[self._mode],
            name=self._node.get_name(),
            message=self._reason,
            hardware_id="vla_ros",
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._diagnostics.publish(message)
