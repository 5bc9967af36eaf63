from dataclasses import replace

import pytest

from vla_ros.benchmark.configuration import comparisons, pixels
from vla_ros.core.errors import ParameterError


def test_a_comparison_varies_one_thing(base) -> None:
    flow = replace(base, head="flow")
    made = comparisons([base, flow], {"views": (1, 2), "sensor": (True, False)})
    assert list(made) == ["views", "sensor"]
    assert made["views"] == [replace(b, views=n) for b in (base, flow) for n in (1, 2)]
    assert made["sensor"] == [replace(b, sensor=s) for b in (base, flow) for s in (True, False)]


def test_batches_are_of_views_apart(base) -> None:
    made = comparisons([base], {"batch": (1, 4)})["batch"]
    assert [(c.batch, c.layout) for c in made] == [(1, "per_view"), (4, "per_view")]


def test_nothing_compared_is_each_head_once(base) -> None:
    assert comparisons([base], {}) == {"stages": [base]}


def test_pixels() -> None:
    assert pixels("native") is None
    assert pixels("1080p") == (1920, 1080)
    assert pixels("320x240") == (320, 240)
    with pytest.raises(ParameterError, match="'4k'; native, 360p, 720p, 1080p or WIDTHxHEIGHT"):
        pixels("4k")
