"""How every node of the package starts, runs and ends."""

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from vla_ros.core.errors import VlaError

# How long an idle executor sleeps before it looks at the stop flag again.
_POLL_S = 0.1


def run(make_node: Callable[[], Node], args: list[str] | None = None) -> int:
    """Run a node until SIGINT or SIGTERM, or until it raises SystemExit; return the exit code.

    The signals only set a flag, so the node can still publish (a stop, say) in its `close()`, if it
    has one. Its `check()`, if it has one, is called between callbacks and raises what went wrong in
    its other threads. A second signal ends the process at once.
    """
    stop = threading.Event()

    def on_signal(number: int, _frame: Any) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    node: Node | None = None
    try:
        node = make_node()
        gc.freeze()  # what is there stays: the collector need not look through it while we run
        spin(node, stop)
    except VlaError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return 2
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except SystemExit as done:
        return int(done.code or 0)
    finally:
        if node is not None:
            getattr(node, "close", lambda: None)()
            with contextlib.suppress(Exception):  # a context that is already gone
                node.destroy_node()
        rclpy.try_shutdown()
    return 0


def spin(node: Node, stop: threading.Event) -> None:
    """Run the node's callbacks in this thread until `stop` is set.

    Single-threaded on purpose: rclpy's MultiThreadedExecutor loses nine of ten messages under
    this package's load. What is slow goes to a worker thread or to another process.
    """
    check: Callable[[], None] = getattr(node, "check", lambda: None)
    executor = _executor()
    executor.add_node(node)
    try:
        while rclpy.ok() and not stop.is_set():
            executor.spin_once(timeout_sec=_POLL_S)
            check()
    finally:
        executor.remove_node(node)
        executor.shutdown(timeout_sec=0)


def _executor() -> Any:
    """Return the executor that costs the least: the event queue, where rclpy has it."""
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:
        return SingleThreadedExecutor()
    return EventsExecutor()
