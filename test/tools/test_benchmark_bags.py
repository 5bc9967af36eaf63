"""The benchmark of bags, on a small one."""

import json

import pytest

from vla_ros.tools import benchmark_bags


def test_both_ways_read_the_same_and_the_last_line_is_json(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark_bags, "_apart", lambda function, *given: function(*given))
    options = ["--gb", "0.01", "--repeats", "1", "--scratch", str(tmp_path)]
    assert benchmark_bags.main(options) == 0
    results = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert results["messages"] == 14
    assert results["same_bytes"] is True
    assert results["hash"]["vla_ros"] != results["hash"]["vla_ros decoded"]
    assert results["gb"] == pytest.approx(14 * 691_200 / 1e9, rel=0.01)
    assert set(results["seconds"]) == set(benchmark_bags.READERS)
    assert list(tmp_path.iterdir()) == []


def test_bad_usage_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        benchmark_bags.main(["--gb", "0"])
    assert ended.value.code == 2
    assert "above 0 is allowed" in capsys.readouterr().err


def test_a_scratch_folder_that_is_not_there_is_an_error(capsys):
    assert benchmark_bags.main(["--scratch", "/nowhere"]) == 1
    assert "/nowhere" in capsys.readouterr().err
