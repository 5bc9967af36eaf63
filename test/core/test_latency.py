"""The stage timer and the statistics, against numpy and by hand."""

import json
import math

import numpy as np
import pytest

from vla_ros.core.latency import (
    Stage,
    StageTimer,
    counter_total,
    deadlines_missed,
    nominal_period_s,
    period_deviations_s,
    period_errors_s,
    rate_hz,
    stats,
)


def test_timer_places_stages_on_the_steady_clock():
    clock = iter([1_500, 1_900, 2_000, 2_007])
    timer = StageTimer(clock=lambda: next(clock))
    with timer("sync"):
        pass
    with timer("decode"):
        pass
    timer.add("transport", start_ns=-4_000, duration_ns=3_000)
    assert timer.stages == [
        Stage("sync", 1_500, 400),
        Stage("decode", 2_000, 7),
        Stage("transport", -4_000, 3_000),
    ]


def test_timer_waits_for_the_device_before_it_looks_at_the_clock():
    seen = []
    timer = StageTimer(finish=lambda: seen.append("finish"), clock=lambda: len(seen))
    with timer("vision"):
        pass
    assert timer.stages == [Stage("vision", 0, 1)]


def test_timer_does_not_count_a_stage_that_failed():
    timer = StageTimer()
    with pytest.raises(RuntimeError), timer("vision"):
        raise RuntimeError
    assert timer.stages == []


def test_stats_agree_with_numpy_and_skip_what_is_not_finite():
    values = np.random.default_rng(3).gamma(2.0, 5.0, 1001)
    got = stats([*values, math.nan, math.inf])
    assert got.count == 1001
    assert got.mean == pytest.approx(values.mean())
    assert (got.p50, got.p90, got.p99, got.p99_9) == pytest.approx(
        [np.quantile(values, q) for q in (0.5, 0.9, 0.99, 0.999)]
    )
    assert got.max == values.max()


def test_stats_of_nothing_are_null_in_json():
    assert json.loads(json.dumps(stats([]).as_dict(), allow_nan=False))["p99"] is None
    assert stats([]).count == 0


def test_rate_counts_the_gaps_between_events():
    assert rate_hz([0.0, 0.1, 0.2, 0.3]) == pytest.approx(10.0)
    assert math.isnan(rate_hz([1.0]))
    assert math.isnan(rate_hz([1.0, 1.0]))


def test_nominal_period_is_a_whole_rate_when_near_one():
    ticks = np.arange(50.0)
    assert nominal_period_s(ticks * 0.1003, ticks) == pytest.approx(0.1)
    assert nominal_period_s(ticks * 0.147, ticks) == pytest.approx(0.147)
    assert math.isnan(nominal_period_s(np.array([1.0]), np.array([1.0])))


def test_period_error_spans_missed_ticks_and_skips_restarts():
    times_s = np.array([0.0, 0.101, 0.400, 9.0, 9.100])
    ticks = np.array([1.0, 2.0, 5.0, 1.0, 2.0])
    errors = period_errors_s(times_s, ticks, 0.1)
    assert errors == pytest.approx([0.001, 0.001, 0.0])


def test_counter_survives_a_restart():
    assert counter_total([0, 2, 2, 5]) == 5
    assert counter_total([3, 4, 0, 1]) == 5
    assert counter_total([]) == 0


def test_deviations_keep_their_sign_and_skip_a_restart():
    times_s, ticks = np.array([0.0, 0.11, 0.19, 0.40, 5.0]), np.array([0, 1, 2, 4, 0])
    found = period_deviations_s(times_s, ticks, 0.1)
    np.testing.assert_allclose(found, [0.01, -0.02, 0.01], atol=1e-12)


def test_a_deadline_is_missed_when_something_comes_later_than_one_period():
    on_time = np.cumsum([0.0, 0.02, 0.029, 0.011, 0.037, 0.003])
    assert deadlines_missed(on_time, 0.02) == 0
    assert deadlines_missed(np.array([0.0, 0.02, 0.06, 0.08, 0.2]), 0.02) == 1 + 5
    assert deadlines_missed(np.array([0.0]), math.nan) == 0


def test_the_period_of_a_grid_whose_ticks_come_early_and_late_by_turns():
    ticks = np.arange(100)
    times_s = ticks * 0.1 + (ticks % 2) * 0.015
    assert nominal_period_s(times_s, ticks.astype(float)) == pytest.approx(0.1)
