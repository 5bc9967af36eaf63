"""WaitForTopics."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections import deque
from collections.abc import Sequence
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node


class WaitForTopics:
    """Waits until a message has come on each of several topics, in a ROS context of its own.

    `topic_tuples` are (name, message type); the last `messages_received_buffer_length` messages
    of each topic are kept. As a context manager it waits, and raises RuntimeError after `timeout`
    seconds.
    """

    def __init__(
        self,
        topic_tuples: Sequence[tuple[str, Any]],
        timeout: float = 5.0,
        messages_received_buffer_length: int | None = 10,
    ) -> None:
        self.timeout = timeout
        length = messages_received_buffer_length
        self._messages: dict[str, deque[Any]] = {n: deque(maxlen=length) for n, _ in topic_tuples}
        self._all = threading.Event()
        self._context = Context()
        rclpy.init(context=self._context)
        name = f"_test_node_{uuid.uuid4().hex[:10]}"
        self._node = Node(name, context=self._context)
        for topic, kind in topic_tuples:
            self._node.create_subscription(kind, topic, self._receiver(topic), 10)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def wait(self) -> bool:
        """Return whether a message has come on each topic, counted from this call."""
        self._all.clear()
        for buffer in self._messages.values():
            buffer.clear()
        return self._all.wait(self.timeout)

    def _receiver(self, name: str) -> Any:
        def receive(message: Any) -> None:
            self._messages[name].append(message)
            if all(self._messages.values()):
                self._all.set()

        return receive

    def shutdown(self) -> None:
        """Stop listening."""
        self._context.try_shutdown()
        self._thread.join()
        self._node.destroy_node()  # type: ignore[no-untyped-call,unused-ignore]

    def topics_received(self) -> set[str]:
        return {name for name, messages in self._messages.items() if messages}

    def topics_not_received(self) -> set[str]:
        return set(self._messages) - self.topics_received()

    def received_messages(self, topic_name: str) -> list[Any]:
        """Return the last messages of a topic; KeyError for one that is not waited for."""
        if topic_name not in self._messages:
            raise KeyError(f"No messages received for topic: {topic_name}")
        return list(self._messages[topic_name])

    def __enter__(self) -> WaitForTopics:
        if not self.wait():
            raise RuntimeError(
                "Did not receive messages on these topics: ", self.topics_not_received()
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
