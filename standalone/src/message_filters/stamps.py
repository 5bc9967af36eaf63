"""The time of a message."""

from __future__ import annotations

from typing import Any

from rclpy.clock import ROSClock
from rclpy.logging import get_logger
from rclpy.time import Time


def stamp_of(msg: Any, allow_headerless: bool, who: str) -> Any | None:
    """Return a message's stamp as a Time; without a header now, or None where not allowed."""
    stamp = getattr(getattr(msg, "header", None), "stamp", None)
    if stamp is not None:
        return stamp if hasattr(stamp, "nanoseconds") else Time.from_msg(stamp)
    if allow_headerless:
        return ROSClock().now()
    logger: Any = get_logger(who)
    logger.warning(
        "can not use message filters for messages without timestamp information when "
        "'allow_headerless' is disabled. auto assign ROSTIME to headerless messages once "
        "enabling constructor option of 'allow_headerless'."
    )
    return None
