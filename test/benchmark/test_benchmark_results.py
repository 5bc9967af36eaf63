import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from vla_ros.benchmark.measure import Result
from vla_ros.benchmark.picture import draw
from vla_ros.benchmark.results import git, write_results
from vla_ros.benchmark.table import labels, table

HEADER = "Model,Type,VL (ms),Sensor (ms),Action (ms),Total (ms),FPS,"


def result(configuration, comparison="views", **changes) -> Result:
    return Result(
        comparison,
        replace(configuration, **changes),
        about={"model_id": "ab", "device": "cpu", "dtype": "float32", "tokens": 50},
        image_hashes=[["aa", "bb"], ["cc", "dd"]],
        samples_ms={
            "vl": [300.0, 500.0],
            "vl_per_tick": [300.0, 500.0],
            "sensor": [6.0, 8.0],
            "action": [1.0, 2.0],
            "total": [310.0, 510.0],
        },
        memory_mb={"before": 100.0, "vision": 180.0, "action": 120.0},
    )


@pytest.fixture
def two(base) -> list[Result]:
    return [result(base), result(base, head="flow", views=3)]


def test_the_table_for_spreadsheets(two, tmp_path) -> None:
    write_results(two, tmp_path, {})
    text = (tmp_path / "comparison.csv").read_text()
    assert text.startswith(HEADER)
    first, second = csv.DictReader(text.splitlines())
    assert (first["Type"], second["Type"]) == ("regression", "flow_matching")
    assert (first["VL (ms)"], first["Sensor (ms)"], first["Total (ms)"]) == (
        *("400.00", "7.00"),
        "410.00",
    )
    assert float(first["FPS"]) == pytest.approx(1e3 / 410.0, abs=0.005)
    assert (second["Views"], second["Total p90 (ms)"]) == ("3", "490.00")
    assert (first["Peak memory (MB)"], first["Working memory (MB)"]) == ("180.0", "80.0")


def test_a_document_for_each_head(two, tmp_path) -> None:
    two[0].memory_mb["vision"] = math.nan  # where the kernel does not tell
    write_results(two, tmp_path, {"seed": 4})
    flow = json.loads((tmp_path / "flow_matching_results.json").read_text())
    assert [r["configuration"]["views"] for r in flow["results"]] == [3]
    text = (tmp_path / "regression_results.json").read_text()
    assert "NaN" not in text
    written = json.loads(text)
    assert written["schema_version"] == 1 and written["settings"] == {"seed": 4}
    assert written["reference_ms"]["vl"] == 1452.82 and "CUDA" in str(written["reference_ms"])
    assert {"torch", "python", "vla_ros"} <= set(written["versions"])
    [one] = written["results"]
    assert one["stages_ms"]["vl"]["samples_ms"] == [300.0, 500.0]
    assert one["stages_ms"]["vl"]["std"] == 100.0 and one["stages_ms"]["vl"]["p50"] == 400.0
    assert one["image_hashes"] == [["aa", "bb"], ["cc", "dd"]]
    assert one["memory_mb"]["vision"] is None and one["model_id"] == "ab"


def test_only_heads_that_were_measured_have_a_document(two, tmp_path) -> None:
    write_results(two[:1], tmp_path, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "comparison.csv",
        "regression_results.json",
    ]


def test_the_commit_of_the_sources(tmp_path) -> None:
    assert git(tmp_path) is None
    here = git(Path(__file__).parent)
    assert here is None or len(here["commit"]) == 40


def test_what_varies_is_said(base) -> None:
    made = [result(base), result(base, sensor=False), result(base, sensor=False, views=3)]
    assert labels(made) == [
        "regression, views 2, with sensor",
        "regression, views 2, without sensor",
        "regression, views 3, without sensor",
    ]


def test_the_reference_stands_beside(two) -> None:
    text = table(two)
    assert "reference: Qwen2.5-VL-3B, five views, a CUDA GPU" in text
    ours, flow = (line for line in text.splitlines() if line.startswith(("regression", "flow")))
    assert "400.00" in ours and "VL 97.6%" in ours and "2.44" in ours
    assert "views 3" in flow
    [reference] = [t for t in text.splitlines() if t.startswith("reference, regression")]
    assert reference.split()[2:8] == ["1452.82", "1452.82", "6.63", "4.34", "1463.78", "0.68"]
    assert "VL 99.3%" in reference


def test_the_picture_has_a_bar_for_each(two, tmp_path) -> None:
    draw(two, tmp_path / "two.png")
    draw(two * 4, tmp_path / "eight.png")
    small, large = (cv2.imread(str(tmp_path / f"{name}.png")) for name in ("two", "eight"))
    assert large.shape[1] == small.shape[1] and large.shape[0] > small.shape[0] + 150
    blue = (np.abs(large.astype(int) - (178, 114, 0)).max(-1) < 3).any(1)  # BGR, of encodes
    assert (np.diff(blue.astype(int)) == 1).sum() >= 8
    two[0].memory_mb["vision"] = math.nan
    draw(two, tmp_path / "untold.png")
