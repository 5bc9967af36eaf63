"""How busy the GPUs are, through NVIDIA's management library: no CUDA context is made."""

import contextlib
from dataclasses import dataclass
from typing import Any

try:
    import pynvml
except ImportError:  # a machine without a GPU needs none
    pynvml = None


@dataclass(frozen=True, slots=True)
class GpuUsage:
    """One GPU just now."""

    name: str
    utilisation_percent: float
    memory_mb: float  # in use, by anybody


class GpuSampler:
    """Reads every GPU of the machine; there are none without the driver or nvidia-ml-py."""

    def __init__(self) -> None:
        """Find the GPUs."""
        self._handles: list[tuple[str, Any]] = []
        if pynvml is None:
            return
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            for index in range(pynvml.nvmlDeviceGetCount()):
                handle = pynvml.nvmlDeviceGetHandleByIndex(index)
                name = pynvml.nvmlDeviceGetName(handle)
                self._handles.append((f"{index} {name}", handle))

    def sample(self) -> list[GpuUsage]:
        """Return what each GPU does; one that does not answer is left out."""
        found = []
        for name, handle in self._handles:
            with contextlib.suppress(pynvml.NVMLError):
                busy = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu
                used = pynvml.nvmlDeviceGetMemoryInfo(handle).used
                found.append(GpuUsage(name, float(busy), used / 1e6))
        return found
