"""What the command lines of the benchmarks have in common."""

from argparse import ArgumentTypeError

from vla_ros.benchmark.configuration import pixels
from vla_ros.core.errors import ParameterError


def count(text: str) -> int:
    """Return a number of 1 or more."""
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def count_or_none(text: str) -> int:
    """Return a number of 0 or more."""
    return 0 if text == "0" else count(text)


def resolution(text: str) -> str:
    """Return a text that `pixels` understands."""
    try:
        pixels(text)
    except ParameterError as error:
        raise ArgumentTypeError(str(error)) from None
    return text


def image_size(text: str) -> tuple[int, int]:
    """Return the width and height that a text such as 640x360 or 720p names."""
    size = pixels(resolution(text))
    if size is None:
        raise ArgumentTypeError(f"{text!r} is no size; WIDTHxHEIGHT is wanted")
    return size
