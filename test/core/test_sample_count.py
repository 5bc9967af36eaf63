from vla_ros.core.sample_count import SampleCount


def counted(*batches):
    count = SampleCount()
    for samples, first_index in batches:
        count.add(samples, first_index)
    return count.batches, count.samples, count.lost


def test_consecutive_batches_lose_nothing_wherever_they_begin():
    assert counted((13, 1300), (13, 1313), (13, 1326)) == (3, 39, 0)


def test_a_jump_of_the_index_is_lost_samples():
    assert counted((13, 0), (13, 26), (5, 39), (5, 47)) == (4, 36, 13 + 3)


def test_a_sensor_that_was_started_anew_has_lost_nothing():
    assert counted((13, 5000), (13, 0), (13, 13)) == (3, 39, 0)


def test_of_a_stream_without_numbers_nobody_knows():
    assert counted((1, None), (1, None)) == (2, 2, None)
