import json

import pytest

from vla_ros.tools import benchmark_action


def test_each_head_beside_its_plain_forward(capsys: pytest.CaptureFixture) -> None:
    options = ["--shape", "embedded", "--iterations", "3", "--device", "cpu"]
    assert benchmark_action.main([*options, "--flow-steps", "4"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["flow_steps"] == 4
    for head in ("regression", "flow"):
        assert result[head]["eager_ms"] > 0 and result[head]["ours_ms"] > 0
        assert result[head]["max_abs_diff"] < 1e-5


def test_what_cannot_be_measured(capsys: pytest.CaptureFixture) -> None:
    assert benchmark_action.main(["--shape", "embedded", "--device", "abacus"]) == 1
    assert "device is 'abacus'" in capsys.readouterr().err
