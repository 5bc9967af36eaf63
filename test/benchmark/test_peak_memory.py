import math
from pathlib import Path

import numpy as np
import torch

from vla_ros.core.latency import StageTimer
from vla_ros.models import hardware
from vla_ros.models.hardware import PeakMemory, finisher

CPU = torch.device("cpu")
MB = 1e6


def taken(size_mb: int) -> None:
    """Use so much memory and give it back."""
    np.ones(size_mb * 1_000_000, np.uint8)


def test_each_stage_has_a_peak_of_its_own() -> None:
    with PeakMemory(CPU) as peak:
        timer = StageTimer(finisher(CPU))
        for size_mb in (300, 100, 0):
            with timer("stage"):
                taken(size_mb)
    large, small, none = (mark - peak.before for mark in peak.marks)
    assert 290 * MB < large < 330 * MB
    assert 90 * MB < small < 130 * MB
    assert none < 30 * MB


def test_stages_out_of_it_are_not_marked() -> None:
    with PeakMemory(CPU) as peak:
        pass
    finisher(CPU)()
    assert peak.marks == [] and PeakMemory.active is None


def test_a_kernel_that_does_not_tell(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hardware, "_CLEAR_REFS", tmp_path / "absent" / "clear_refs")
    with PeakMemory(CPU) as peak:
        finisher(CPU)()
    assert math.isnan(peak.before) and math.isnan(peak.marks[0])
