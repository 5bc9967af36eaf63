"""How much processor and memory the processes of the graph use."""

from collections.abc import Mapping
from typing import Any

import psutil

from vla_ros.data.definitions import typestore
from vla_ros.data.run_log import PROCESS

MSGTYPE = "diagnostic_msgs/msg/DiagnosticArray"


class ProcessSampler:
    """Reads the CPU time and memory of processes; one that has ended is left out."""

    def __init__(self) -> None:
        """Know no process yet."""
        self._processes: dict[int, psutil.Process] = {}

    def sample(self, pids: Mapping[str, int], now_ns: int) -> bytes:
        """Return a serialised DiagnosticArray with one status a process.

        Its values are `pid`, `cpu_s` (user and system time since the process started) and
        `rss_mb` (resident memory, MB). Of several names of one process the first counts.

        Args:
            pids: the process of each node.
            now_ns: stamp of the message.
        """
        types = typestore().types
        names: dict[int, str] = {}
        for name, pid in pids.items():
            names.setdefault(pid, name)
        statuses = [s for pid, name in names.items() if (s := self._status(name, pid)) is not None]
        stamp = types["builtin_interfaces/msg/Time"](*divmod(now_ns, 10**9))
        header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="")
        message = types[MSGTYPE](header=header, status=statuses)
        return bytes(typestore().serialize_cdr(message, MSGTYPE))

    def _status(self, name: str, pid: int) -> Any:
        try:
            process = self._processes.setdefault(pid, psutil.Process(pid))
            with process.oneshot():
                times, memory = process.cpu_times(), process.memory_info()
        except psutil.Error:
            return None
        values = {
            "pid": str(pid),
            "cpu_s": f"{times.user + times.system:.2f}",
            "rss_mb": f"{memory.rss / 1e6:.1f}",
        }
        types = typestore().types
        pair = types["diagnostic_msgs/msg/KeyValue"]
        return types["diagnostic_msgs/msg/DiagnosticStatus"](
            level=0,
            name=PROCESS + name,
            message="",
            hardware_id="",
            values=[pair(key=key, value=value) for key, value in values.items()],
        )
