"""How much processor and memory the processes of the graph, and the machine's GPUs, use."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import psutil

from vla_ros.data.definitions import typestore
from vla_ros.data.gpus import GpuSampler
from vla_ros.data.run_log import GPU, MACHINE, PROCESS

MSGTYPE = "diagnostic_msgs/msg/DiagnosticArray"

_SHM = "/dev/shm"
_MAPPED = re.compile(rf"^([0-9a-f]+)-([0-9a-f]+) .* {_SHM}/", re.MULTILINE)
# Segments are mapped when nodes find each other and then stay; reading takes 0.4 ms a process.
_SHM_EVERY = 5


class ProcessSampler:
    """Reads the CPU time and memory of processes; one that has ended is left out."""

    def __init__(self) -> None:
        """Know no process yet."""
        self._processes: dict[int, psutil.Process] = {}
        self._shm_mb: dict[int, float] = {}
        self._gpus = GpuSampler()
        self._samples = 0

    def sample(self, pids: Mapping[str, int], now_ns: int) -> bytes:
        """Return a serialised DiagnosticArray with a status a process, one a GPU and `machine`.

        A process has `pid`, `cpu_s` (user and system time since it started), `rss_mb` (resident
        memory, MB), `shm_mb` (what it maps of /dev/shm; what several processes map counts for
        each) and `threads`. Of several names of one process the first counts. A GPU has
        `utilisation_percent` and `memory_mb` (in use), the machine `shm_mb` (/dev/shm in use).

        Args:
            pids: the process of each node.
            now_ns: stamp of the message.
        """
        if self._samples % _SHM_EVERY == 0:
            self._shm_mb.clear()
        self._samples += 1
        names: dict[int, str] = {}
        for name, pid in pids.items():
            names.setdefault(pid, name)
        rows = {PROCESS + name: self._usage(pid) for pid, name in names.items()}
        for gpu in self._gpus.sample():
            rows[GPU + gpu.name] = {
                "utilisation_percent": f"{gpu.utilisation_percent:.0f}",
                "memory_mb": f"{gpu.memory_mb:.0f}",
            }
        rows[MACHINE] = {"shm_mb": f"{shared_memory_mb():.1f}"}
        return _message({name: values for name, values in rows.items() if values}, now_ns)

    def _usage(self, pid: int) -> dict[str, str]:
        """Return what a process uses, nothing once it has ended."""
        try:
            process = self._processes.setdefault(pid, psutil.Process(pid))
            with process.oneshot():
                times, memory, threads = (
                    process.cpu_times(),
                    process.memory_info(),
                    process.num_threads(),
                )
            if pid not in self._shm_mb:
                self._shm_mb[pid] = mapped_shared_memory_mb(pid)
        except (psutil.Error, OSError):
            return {}
        return {
            "pid": str(pid),
            "cpu_s": f"{times.user + times.system:.2f}",
            "rss_mb": f"{memory.rss / 1e6:.1f}",
            "shm_mb": f"{self._shm_mb[pid]:.1f}",
            "threads": str(threads),
        }


def mapped_shared_memory_mb(pid: int) -> float:
    """Return how much of /dev/shm a process maps [MB].

    Raises:
        OSError: it has ended, or is another user's.
    """
    maps = Path(f"/proc/{pid}/maps").read_text(errors="replace")
    return sum(int(end, 16) - int(start, 16) for start, end in _MAPPED.findall(maps)) / 1e6


def shared_memory_mb() -> float:
    """Return how much of /dev/shm is in use, by anybody [MB]; NaN where there is none."""
    try:
        disk = os.statvfs(_SHM)
    except OSError:
        return float("nan")
    return (disk.f_blocks - disk.f_bfree) * disk.f_frsize / 1e6


def _message(rows: Mapping[str, Mapping[str, str]], now_ns: int) -> bytes:
    types = typestore().types
    pair = types["diagnostic_msgs/msg/KeyValue"]
    status = types["diagnostic_msgs/msg/DiagnosticStatus"]
    statuses = [
        status(
            level=0,
            name=name,
            message="",
            hardware_id="",
            values=[pair(key=key, value=value) for key, value in values.items()],
        )
        for name, values in rows.items()
    ]
    stamp = types["builtin_interfaces/msg/Time"](*divmod(now_ns, 10**9))
    header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="")
    message = types[MSGTYPE](header=header, status=statuses)
    return bytes(typestore().serialize_cdr(message, MSGTYPE))
