from itertools import islice

import pytest
from lockstep_bag import T0_NS, TYPES, latency, write_bag

from vla_ros.core.errors import BagError, ParameterError
from vla_ros.data.bag_reader import BagReader
from vla_ros.replay.latency_trace import LatencyTrace, parse_traces

TOOK = (350.0, 420.5, 390.0)


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    more = [
        (100 * n, "/latency", TYPES["/latency"], latency(T0_NS, took))
        for n, took in enumerate(TOOK)
    ]
    path = write_bag(tmp_path_factory.mktemp("trace") / "bag", 0.1, more=more)
    with BagReader(path) as reader:
        yield reader


def test_numbers_are_constants(bag):
    traces = parse_traces("35,381.5, 1453", bag)
    assert [trace.name for trace in traces] == ["35ms", "381.5ms", "1453ms"]
    assert [trace.value for trace in traces] == [35.0, 381.5, 1453.0]
    assert list(islice(traces[1].durations_ns(), 2)) == [381_500_000] * 2


def test_recorded_is_the_time_from_choice_to_publication_and_begins_again(bag):
    (trace,) = parse_traces("recorded", bag)
    assert trace.value == "recorded"
    assert trace.latencies_ms == pytest.approx(TOOK)  # without the 5 ms of transport before
    again = [value / 1e6 for value in islice(trace.durations_ns(), 5)]
    assert again == pytest.approx([*TOOK, *TOOK[:2]])


def test_a_csv_file_and_a_constant_beside_each_other(bag, tmp_path):
    path = tmp_path / "gpu.csv"
    path.write_text("encode, latency_ms\n1, 30\n2, 40.5\n")
    traces = parse_traces(f"{path},381", bag)
    assert traces == [LatencyTrace("gpu", (30.0, 40.5)), LatencyTrace("381ms", (381.0,))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-5", "vl_latency_ms is -5; 0 to 600000 is allowed"),
        ("nan", "vl_latency_ms is nan"),
        ("inf", "vl_latency_ms is inf"),
        ("fast", "vl_latency_ms is 'fast'; milliseconds, 'recorded' or a readable CSV"),
        ("35,,40", "vl_latency_ms is '.'; milliseconds"),
        ("35,35.0", "names 35ms twice"),
    ],
)
def test_what_is_no_latency_is_named(bag, text, said):
    with pytest.raises(ParameterError, match=said):
        parse_traces(text, bag)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no rows; a column latency_ms"),
        (b"ms\n35\n", "has ms; a column latency_ms"),
        (b"latency_ms\n35\nslow\n", "latency_ms: could not convert string to float: 'slow'"),
        (b"latency_ms\n35\n-1\n", "latency_ms is -1; 0 to"),
        (b"latency_ms,a\n35,1\n\n,2\n", "could not convert"),
        (b"\xff\xfe\x00", "readable CSV"),
    ],
)
def test_what_is_no_trace_file_is_named(bag, tmp_path, content, said):
    path = tmp_path / "trace.csv"
    path.write_bytes(content)
    with pytest.raises(ParameterError, match=said):
        parse_traces(str(path), bag)


def test_a_bag_without_latencies_says_what_else_helps(tmp_path):
    with (
        BagReader(write_bag(tmp_path / "bag", 0.1)) as bag,
        pytest.raises(BagError, match="no latencies of vl_encoder.*CSV file"),
    ):
        parse_traces("recorded", bag)
