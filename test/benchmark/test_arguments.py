from argparse import ArgumentTypeError

import pytest

from vla_ros.benchmark.arguments import count, count_or_none, image_size, resolution


@pytest.mark.parametrize("text", ["640", "640x", "x360", "640x0", "axb", "native", "360q"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="WIDTHxHEIGHT"):
        image_size(text)


def test_sizes_by_name_and_by_number() -> None:
    assert image_size("720p") == (1280, 720)
    assert image_size("640x360") == (640, 360)
    assert resolution("native") == "native"


@pytest.mark.parametrize("text", ["0", "-1", "two"])
def test_counts_that_are_none(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="above 0"):
        count(text)


def test_none_is_a_number_where_it_may_be():
    assert (count_or_none("0"), count_or_none("3")) == (0, 3)
    with pytest.raises(ArgumentTypeError):
        count_or_none("-1")
