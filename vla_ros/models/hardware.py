"""Which device, number format and threads to compute with."""

import ctypes
import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

from vla_ros.core.errors import ParameterError

DEVICES = ("auto", "cpu", "cuda")
# Options of glibc's mallopt(3): M_ARENA_MAX, M_MMAP_MAX, M_TRIM_THRESHOLD.
_KEEPING = {-8: 1, -4: 0, -1: -1}
_DEFAULTS = {-8: 0, -4: 65536, -1: 128 * 1024}
# Where Linux tells the peak of resident memory, and what sets it back (proc(5)).
_STATUS, _CLEAR_REFS, _RESET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs"), "5"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def pick_device(name: str) -> torch.device:
    """Return the device called `name`: auto, cpu, cuda or cuda:N.

    Raises:
        ParameterError: there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if kind not in DEVICES or (index and not (kind == "cuda" and index.isdigit())):
        raise ParameterError(f"device is {name!r}; {', '.join(DEVICES)} or cuda:N is allowed")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise ParameterError(
            f"device is {name!r}, but torch sees {torch.cuda.device_count()} CUDA devices; "
            "cpu or auto is allowed"
        )
    return torch.device(name)


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """Return the number format called `name`: auto, float32 or bfloat16.

    auto is bfloat16 where the hardware multiplies it faster: CUDA, and CPUs with AMX. Without
    AMX a CPU's bfloat16 is the slower of the two.
    """
    if name == "auto":
        fast = device.type == "cuda" or torch.cpu._is_amx_tile_supported()
        return torch.bfloat16 if fast else torch.float32
    if name not in DTYPES:
        raise ParameterError(f"dtype is {name!r}; auto, {', '.join(DTYPES)} is allowed")
    return DTYPES[name]


def set_threads(threads: int) -> None:
    """Let torch compute with this many threads in this process; 0 leaves its own choice."""
    if threads < 0:
        raise ParameterError(f"threads is {threads}; 0 (torch's own choice) or more is allowed")
    if threads:
        torch.set_num_threads(threads)


def matrix_rate(device: torch.device, dtype: torch.dtype, repeats: int = 12) -> float:
    """Return what the device multiplies matrices with, the best of some runs [FLOP/s].

    It takes a tenth of a second.
    """
    size = 8192 if device.type == "cuda" else 1024
    one, other = (torch.ones(size, size, device=device, dtype=dtype) for _ in range(2))
    out, finish = torch.empty_like(one), finisher(device)
    best_s = math.inf
    for _ in range(repeats):
        start_s = time.perf_counter()
        torch.mm(one, other, out=out)
        finish()
        best_s = min(best_s, time.perf_counter() - start_s)
    return 2.0 * size**3 / best_s


def keep_memory(keep: bool = True) -> None:
    """Let this process keep the memory that it frees, or not, where the C library can.

    A layer's results are as large as what glibc gives back to the kernel at once: without this
    every layer's memory is cleared anew, page by page, which takes longer than the arithmetic.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    settings = _KEEPING if keep else _DEFAULTS
    for option, value in settings.items():
        set_option(option, value)


def finisher(device: torch.device) -> Callable[[], None]:
    """Return a function that waits until the device has done all it was given."""
    if (watch := PeakMemory.active) is not None:
        return watch.mark
    return _waiter(device)


def _waiter(device: torch.device) -> Callable[[], None]:
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    return lambda: None


class PeakMemory:
    """Measures the most memory that each stage has at a time; a context manager.

    While it is active every end of a stage (see `finisher`) adds to `marks` the peak since the one
    before [bytes]; `before` is what was in use at the start. On CUDA these are what torch's
    allocator had handed out. On a CPU they are the process's resident memory: the kernel keeps its
    peak (VmHWM) and sets it back when asked, so that nothing is sampled and no peak is missed. For
    that time memory that is freed goes back to the kernel (see `keep_memory`), which makes the
    stages slower: do not time them. NaN where the kernel does not tell.
    """

    active: "PeakMemory | None" = None

    def __init__(self, device: torch.device) -> None:
        """Take the device that computes."""
        self._device = device
        self._wait = _waiter(device)
        self.before = math.nan
        self.marks: list[float] = []

    def __enter__(self) -> "PeakMemory":
        """Begin."""
        self._wait()
        keep_memory(False)
        self._begin()
        self.before = self._peak()
        PeakMemory.active = self
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        PeakMemory.active = None
        keep_memory()

    def mark(self) -> None:
        """Wait for the device and note the peak of the stage that ends here."""
        self._wait()
        self.marks.append(self._peak())
        self._begin()

    def _begin(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            return
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)
        with suppress(OSError):
            _CLEAR_REFS.write_text(_RESET_PEAK)

    def _peak(self) -> float:
        if self._device.type == "cuda":
            return float(torch.cuda.max_memory_allocated(self._device))
        return peak_resident()


def peak_resident() -> float:
    """Return the most resident memory this process had since its peak was set back [bytes].

    NaN where the kernel does not tell, or cannot set it back (it would be the peak of all time).
    """
    if not os.access(_CLEAR_REFS, os.W_OK):
        return math.nan
    lines = _STATUS.read_text().splitlines()
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return 1024.0 * int(found[0]) if found else math.nan


def device_name(device: torch.device) -> str:
    """Return what the device is called."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def threads_used() -> int:
    """Return how many threads torch computes with in this process."""
    return torch.get_num_threads()
