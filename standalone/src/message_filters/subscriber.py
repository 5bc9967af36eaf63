"""Subscriber."""

from __future__ import annotations

from typing import Any

from .simple_filter import SimpleFilter


class Subscriber(SimpleFilter):
    """Subscriber(node, message type, topic, **options of create_subscription).

    `qos_profile` defaults to a depth of 10. The subscription's own attributes are found here too.
    """

    def __init__(self, node: Any, msg_type: Any, topic: str, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.node = node
        self.topic = topic
        kwargs.setdefault("qos_profile", 10)
        self.sub = node.create_subscription(msg_type, topic, *args, self.callback, **kwargs)

    def callback(self, msg: Any) -> None:
        self.signalMessage(msg)

    def getTopic(self) -> str:  # noqa: N802
        return self.topic

    def __getattr__(self, key: str) -> Any:
        if key == "sub":  # while it is still being made
            raise AttributeError(key)
        return getattr(self.sub, key)
