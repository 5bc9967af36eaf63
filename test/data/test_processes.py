"""What processes and GPUs are said to use, read back from the message."""

import math
import mmap
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from vla_ros.data import gpus
from vla_ros.data.definitions import typestore
from vla_ros.data.processes import MSGTYPE, ProcessSampler, mapped_shared_memory_mb
from vla_ros.data.run_log import RunLog

MIB = 2**20


def logged(*samples):
    log = RunLog()
    for t_s, data in enumerate(samples):
        log.add(MSGTYPE, t_s * 10**9, typestore().deserialize_cdr(data, MSGTYPE))
    return log


def test_this_process_is_read_and_one_that_ended_is_left_out():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    sampler = ProcessSampler()
    log = logged(sampler.sample({"me": os.getpid(), "same": os.getpid(), "gone": ended.pid}, 7))
    assert list(log.processes) == ["me"]
    rows = log.processes["me"]
    assert rows["rss_mb"][0] > 5.0 and rows["cpu_s"][0] > 0.0 and rows["threads"][0] >= 1
    assert not log.unreadable and not log.diagnostics


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="no /dev/shm")
def test_mapped_shared_memory_is_that_of_dev_shm_alone(tmp_path):
    before = mapped_shared_memory_mb(os.getpid())
    segment, plain = Path(f"/dev/shm/vla_ros_test_{os.getpid()}"), tmp_path / "plain"
    try:
        segment.write_bytes(b"\1" * 3 * MIB)
        plain.write_bytes(b"\1" * MIB)
        with (
            segment.open("r+b") as shared,
            plain.open("r+b") as other,
            mmap.mmap(shared.fileno(), 0),
            mmap.mmap(other.fileno(), 0),
        ):
            mapped = mapped_shared_memory_mb(os.getpid())
            log = logged(ProcessSampler().sample({"me": os.getpid()}, 0))
    finally:
        segment.unlink()
    assert mapped - before == pytest.approx(3 * MIB / 1e6)
    assert log.processes["me"]["shm_mb"][0] == pytest.approx(mapped, abs=0.1)
    assert log.machine["shm_mb"][0] >= 3 * MIB / 1e6 - 0.1


class NvmlError(Exception):
    """Stands for pynvml.NVMLError."""


def nvml(count, broken=()):
    """Return what pynvml offers of a machine with `count` GPUs."""

    def utilisation(handle):
        if handle in broken:
            raise NvmlError
        return SimpleNamespace(gpu=40 + handle)

    return SimpleNamespace(
        NVMLError=NvmlError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: count,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: "Some GPU",
        nvmlDeviceGetUtilizationRates=utilisation,
        nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(used=2_000_000_000),
    )


def test_gpus_are_tables_by_name_and_one_that_fails_is_left_out(monkeypatch):
    monkeypatch.setattr(gpus, "pynvml", nvml(2, broken=[1]))
    sampler = ProcessSampler()
    log = logged(sampler.sample({}, 0), sampler.sample({}, 1))
    assert list(log.gpus) == ["0 Some GPU"]
    assert list(log.gpus["0 Some GPU"]["utilisation_percent"]) == [40.0, 40.0]
    assert list(log.gpus["0 Some GPU"]["memory_mb"]) == [2000.0, 2000.0]


@pytest.mark.parametrize("driver", ["absent", "fails"])
def test_without_a_gpu_there_is_none(monkeypatch, driver):
    absent = nvml(0)
    absent.nvmlInit = lambda: (_ for _ in ()).throw(NvmlError())
    monkeypatch.setattr(gpus, "pynvml", None if driver == "absent" else absent)
    assert gpus.GpuSampler().sample() == []


def test_a_recording_without_shared_memory_and_threads_says_nan():
    values = [SimpleNamespace(key=k, value=v) for k, v in {"cpu_s": "1", "rss_mb": "2"}.items()]
    log = RunLog()
    status = SimpleNamespace(name="process sim", message="", level=0, values=values)
    log.add(MSGTYPE, 0, SimpleNamespace(status=[status]))
    assert log.processes["sim"]["rss_mb"][0] == 2.0
    assert math.isnan(log.processes["sim"]["shm_mb"][0])
