"""Which device, number format and threads to compute with."""

import ctypes
import math
import time
from collections.abc import Callable

import torch

from vla_ros.core.errors import ParameterError

DEVICES = ("auto", "cpu", "cuda")
# Options of glibc's mallopt(3): M_ARENA_MAX, M_MMAP_MAX, M_TRIM_THRESHOLD.
_KEEPING = {-8: 1, -4: 0, -1: -1}
_DEFAULTS = {-8: 0, -4: 65536, -1: 128 * 1024}
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
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    return lambda: None


def device_name(device: torch.device) -> str:
    """Return what the device is called."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def threads_used() -> int:
    """Return how many threads torch computes with in this process."""
    return torch.get_num_threads()
