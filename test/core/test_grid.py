import pytest

from vla_ros.core.grid import TickGrid

MS = 1_000_000


def test_ticks_on_time():
    grid = TickGrid(10.0)
    ticks = [grid.tick((5000 + 100 * n) * MS) for n in range(5)]
    assert [t.number for t in ticks] == [0, 1, 2, 3, 4]
    assert grid.missed == 0
    assert all(t.late_s == 0 for t in ticks)


def test_a_late_tick_does_not_move_the_grid():
    grid = TickGrid(10.0)
    grid.tick(0)
    late = grid.tick(130 * MS)
    assert (late.number, late.missed) == (1, 0)
    assert late.late_s == pytest.approx(0.03)
    assert grid.tick(200 * MS).late_s == 0


def test_missed_ticks_are_counted_and_not_made_up():
    grid = TickGrid(10.0)
    grid.tick(0)
    tick = grid.tick(350 * MS)
    assert (tick.number, tick.missed) == (3, 2)
    assert grid.tick(400 * MS).number == 4
    assert grid.missed == 2


def test_a_timer_that_fires_a_little_early_misses_nothing():
    grid = TickGrid(10.0)
    grid.tick(0)
    for n in range(1, 50):
        assert grid.tick((100 * n - 2) * MS).number == n
    assert grid.missed == 0
