from dataclasses import dataclass

import pytest

from vla_ros.core.errors import ParameterError
from vla_ros.ros.params import declare, param


@dataclass(frozen=True)
class Example:
    rate_hz: float = param(10.0, "ticks a second", low=0.1, high=200.0)
    views: int = param(5, "cameras", low=1)
    head: str = param("regression", "which expert", choices=("regression", "flow"))
    sensor: bool = param(True, "whether there is a sensor")
    topics: tuple[str, ...] = param(("a", "b"), "image topics")
    corner: tuple[float, ...] = param((0.0, 1.0), "a corner [m]", low=-2.0, high=2.0)


def test_defaults(ros):
    assert declare(ros(), Example) == Example()


def test_values_are_taken_and_integers_pass_for_floats(ros):
    given = {"rate_hz": 1, "head": "flow", "topics": ["x"], "sensor": False, "corner": [1, 2]}
    values = declare(ros(parameters=given), Example)
    assert values == Example(1.0, 5, "flow", False, ("x",), (1.0, 2.0))
    assert isinstance(values.rate_hz, float)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rate_hz": 0.0}, r"rate_hz is 0.0; allowed: 0.1 to 200.0"),
        ({"rate_hz": float("nan")}, r"rate_hz is nan; a finite number"),
        ({"rate_hz": "fast"}, r"rate_hz is 'fast' \(str\); a float"),
        ({"views": 0}, r"views is 0; allowed: at least 1"),
        ({"views": 2.5}, r"views is 2.5 \(float\); a int"),
        ({"views": True}, r"views is True \(bool\); a int"),
        ({"head": "diffusion"}, r"head is 'diffusion'; allowed: regression, flow"),
        ({"topics": "a"}, r"topics is 'a'; a list like \['a', 'b'\]"),
        ({"corner": [0.0]}, r"corner has 1 numbers; 2 are allowed"),
        ({"corner": [0.0, 3.0]}, r"corner is 3.0; allowed: -2.0 to 2.0"),
        ({"rate": 1.0}, r"test has no parameter 'rate'; it has: corner, head, rate_hz"),
    ],
)
def test_what_is_wrong_is_named(ros, given, words):
    with pytest.raises(ParameterError, match=words):
        declare(ros(parameters=given), Example)


def test_ros_shows_descriptions_and_ranges(ros):
    node = ros()
    declare(node, Example)
    rate, views, head = node.describe_parameters(["rate_hz", "views", "head"])
    assert rate.description == "ticks a second"
    assert rate.floating_point_range[0].from_value == 0.1
    assert rate.floating_point_range[0].to_value == 200.0
    assert views.integer_range[0].from_value == 1
    assert head.additional_constraints == "one of: regression, flow"
    assert rate.read_only
