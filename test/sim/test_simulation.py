"""Rates, indices and repeatability of the simulation, stepped by hand."""

import numpy as np
import pytest

from vla_ros.sim.simulation import Simulation


def test_650_samples_and_100_states_a_second():
    simulation = Simulation()
    captured = simulation.advance(1300 * 2)
    assert sum(len(batch.samples) for batch in captured.batches) == 1300
    assert [batch.step for batch in captured.batches] == list(range(0, 2600, 26))
    assert [batch.first_index for batch in captured.batches] == list(range(0, 1300, 13))
    assert [state.step for state in captured.states] == list(range(0, 2600, 13))


@pytest.mark.parametrize("sensor_hz, state_hz", [(650, 60), (100, 100), (1000, 300), (1300, 125)])
def test_other_rates(sensor_hz, state_hz):
    simulation = Simulation(sensor_rate_hz=sensor_hz, state_rate_hz=state_hz, sensor_batch=10)
    assert simulation.physics_rate_hz >= 1000
    captured = simulation.advance(int(simulation.physics_rate_hz))
    assert sum(len(batch.samples) for batch in captured.batches) == sensor_hz // 10 * 10
    assert len(captured.states) == state_hz
    due = np.arange(state_hz) * simulation.physics_rate_hz / state_hz
    late = np.array([state.step for state in captured.states]) - due
    assert np.all((late >= 0) & (late < 1))


def test_a_skip_is_a_jump_of_the_index():
    simulation = Simulation()
    first = simulation.advance(30).batches
    cut = simulation.skip(1000).batches
    after = simulation.advance(26).batches
    assert [batch.first_index for batch in first + cut + after] == [0, 13, 515]
    assert [len(batch.samples) for batch in first + cut + after] == [13, 2, 13]


def play(seed):
    simulation = Simulation(seed=seed)
    generator = np.random.default_rng(1)
    states, samples = [], []
    for _ in range(60):
        twist = generator.uniform(-0.05, 0.05, 6) + [0, 0, -0.08, 0, 0, 0]
        simulation.robot.twist(twist)
        captured = simulation.advance(26)
        states += [np.concatenate([s.position, s.velocity, s.tip]) for s in captured.states]
        samples += [batch.samples for batch in captured.batches]
    return np.array(states), np.concatenate(samples)


def test_the_same_commands_give_the_same_bits():
    first, second = play(seed=3), play(seed=3)
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()
    # Not for want of anything happening.
    assert first[1][:, -1].max() > 0.1 and first[1][:, :-1].max() > 0.1


def test_the_seed_moves_the_phantom():
    places = [Simulation(seed=seed).model.body("phantom") for seed in (0, 1, 2)]
    assert list(places[0].pos) == [0.2, 0, 0]
    assert all(np.abs(place.pos[:2] - [0.2, 0]).max() <= 0.01 for place in places)
    assert not np.array_equal(places[1].pos, places[2].pos)
    assert not np.array_equal(play(1)[1], play(2)[1])
