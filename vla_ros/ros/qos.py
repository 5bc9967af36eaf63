"""Every quality-of-service profile of the package, in one place."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _profile(depth: int, *, reliable: bool, latched: bool = False) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


# A frame that was missed is worth nothing later: best effort, and a queue just deep enough for
# the scheduler's hiccups. A best-effort subscription also matches a reliable camera driver.
IMAGE = _profile(5, reliable=False)

# A callback of 60 ms with depth 5 loses half of a fast sensor; 256 loses none.
SENSOR = _profile(256, reliable=False)
STATE = _profile(256, reliable=False)

# Consumers such as MoveIt Servo and ros2_control subscribe reliably.
COMMAND = _profile(10, reliable=True)
CHUNK = _profile(10, reliable=True)
DIAGNOSTICS = _profile(10, reliable=True)
LATENCY = _profile(256, reliable=True)

# Whoever joins late gets the last one at once.
FEATURES = _profile(1, reliable=True, latched=True)
LATCHED = _profile(1, reliable=True, latched=True)
