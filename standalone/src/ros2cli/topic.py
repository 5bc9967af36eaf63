"""`ros2 topic`: list, hz and echo."""

from __future__ import annotations

import argparse
import array
import importlib
import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import rclpy
import yaml
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.utilities import try_shutdown

LONGEST = 128
"""Items of an array, or letters, that `echo` shows."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="verb")
    listing = verbs.add_parser("list", help="Output a list of available topics")
    listing.add_argument("-t", "--show-types", action="store_true")
    echo = verbs.add_parser("echo", help="Output messages from a topic")
    echo.add_argument("topic_name")
    echo.add_argument("--once", action="store_true", help="Print the first message, then exit")
    echo.add_argument("--no-arr", action="store_true", help="Don't print array fields")
    hz = verbs.add_parser("hz", help="Print the average publishing rate")
    hz.add_argument("topic_name")
    hz.add_argument("-w", "--window", type=int, default=10000, help="Messages to average over")
    for verb in (listing, echo, hz):
        verb.add_argument("--no-daemon", action="store_true", help="There is none here")
        verb.add_argument("--spin-time", type=float, default=1.0, help="Seconds for discovery")


def main(args: argparse.Namespace) -> None:
    """Do what the verb asks for, until Ctrl-C."""
    rclpy.init()
    node = Node("_ros2cli", start_parameter_services=False, enable_rosout=False)
    try:
        {"list": _list, "echo": _echo, "hz": _hz}[args.verb](node, args)
    except (KeyboardInterrupt, ExternalShutdownException):
        return
    finally:
        try_shutdown()


def _spin(node: Node, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        rclpy.spin_once(node, timeout_sec=left)


def _list(node: Node, args: argparse.Namespace) -> None:
    _spin(node, args.spin_time)
    for name, types in sorted(node.get_topic_names_and_types()):
        print(f"{name} [{', '.join(types)}]" if args.show_types else name)


def _subscribe(node: Node, args: argparse.Namespace, callback: Callable[[Any], None]) -> None:
    """Subscribe with a QoS that all publishers match; RuntimeError where there is none."""
    name = args.topic_name if args.topic_name.startswith("/") else f"/{args.topic_name}"
    end = time.monotonic() + args.spin_time
    while not (publishers := node.get_publishers_info_by_topic(name)):
        if time.monotonic() > end:
            raise RuntimeError(f"topic [{name}] does not appear to be published yet")
        rclpy.spin_once(node, timeout_sec=0.05)
    package, _, kind = publishers[0].topic_type.partition("/msg/")
    message_type = getattr(importlib.import_module(f"{package}.msg"), kind)
    profiles = [publisher.qos_profile for publisher in publishers]
    qos = QoSProfile(depth=10)  # type: ignore[no-untyped-call,unused-ignore]
    if any(profile.reliability != ReliabilityPolicy.RELIABLE for profile in profiles):
        qos.reliability = ReliabilityPolicy.BEST_EFFORT
    if all(profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for profile in profiles):
        qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
    node.create_subscription(message_type, name, callback, qos, raw=args.verb == "hz")


def _plain(value: Any, no_arrays: bool) -> Any:
    """Return a message as dicts, lists and scalars, with what is long cut off."""
    if hasattr(value, "get_fields_and_field_types"):
        fields = value.get_fields_and_field_types()
        return {name: _plain(getattr(value, name), no_arrays) for name in fields}
    if isinstance(value, (array.array, list, tuple, bytes)) or hasattr(value, "tolist"):
        if no_arrays:
            return f"<array of {len(value)}>"
        items = [_plain(item, no_arrays) for item in value[:LONGEST]]
        return [*items, "..."] if len(value) > LONGEST else items
    if isinstance(value, str) and len(value) > LONGEST:
        return value[:LONGEST] + "..."
    return value


def _echo(node: Node, args: argparse.Namespace) -> None:
    seen: list[Any] = []

    def show(message: Any) -> None:
        if not (args.once and seen):
            plain = _plain(message, args.no_arr)
            print(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True) + "---", flush=True)
            seen.append(True)

    _subscribe(node, args, show)
    while not (args.once and seen):
        rclpy.spin_once(node)


def _hz(node: Node, args: argparse.Namespace) -> None:
    times: deque[float] = deque(maxlen=args.window + 1)
    _subscribe(node, args, lambda _: times.append(time.monotonic()))
    shown = 0.0
    while True:
        _spin(node, 1.0)
        if len(times) < 2 or times[-1] == shown:
            continue
        shown = times[-1]
        gaps = [b - a for a, b in zip(times, list(times)[1:])]
        spread = (
            f"min: {min(gaps):.3f}s max: {max(gaps):.3f}s std dev: {statistics.pstdev(gaps):.5f}s"
        )
        print(f"average rate: {1 / statistics.fmean(gaps):.3f}")
        print(f"\t{spread} window: {len(gaps)}", flush=True)
