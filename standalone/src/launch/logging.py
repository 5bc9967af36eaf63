"""Where launch's own messages and the processes' lines go: the screen and launch.log."""

from __future__ import annotations

import datetime
import logging
import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

OWN, OWN_FILE = "[{levelname}] [{name}]: {msg}", "{created:.7f} [{levelname}] [{name}]: {msg}"
LINE, LINE_FILE = "{msg}", "{created:.7f} {msg}"


class _ScreenHandler(logging.Handler):
    """Writes to the standard output of the moment, so that whoever captures it sees it all."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            encoding = sys.stdout.encoding or "utf-8"
            text = self.format(record).encode(encoding, "replace").decode(encoding)
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except Exception:  # as every handler of the standard library does
            self.handleError(record)


class LaunchConfig:
    """The log directory and the handlers, one for screen and file in each format."""

    def __init__(self) -> None:
        self._log_dir: str | None = None
        self._handlers: dict[str, logging.Handler] = {}
        self._loggers: set[logging.Logger] = set()

    def reset(self) -> None:
        """Forget the directory, close the file and take all loggers' handlers away."""
        self._log_dir = None
        for handler in self._handlers.values():
            for logger in self._loggers:
                logger.removeHandler(handler)
            handler.close()
        self._handlers.clear()

    @property
    def log_dir(self) -> str:
        """This launch's directory, made below ROS_LOG_DIR, ROS_HOME/log or ~/.ros/log."""
        if self._log_dir is None:
            self._log_dir = _make_unique_log_dir()
        return self._log_dir

    def get_log_file_path(self, file_name: str = "launch.log") -> str:
        return os.path.join(self.log_dir, file_name)

    def logger(self, name: str | None, formats: list[str]) -> logging.Logger:
        """Return a logger with a handler for each of the formats."""
        logger = logging.getLogger(name)
        logger.propagate = False
        self._loggers.add(logger)
        for fmt in formats:
            if fmt not in self._handlers:
                handler: logging.Handler = _ScreenHandler()
                if fmt in (OWN_FILE, LINE_FILE):
                    handler = logging.FileHandler(self.get_log_file_path(), encoding="utf-8")
                handler.setFormatter(logging.Formatter(fmt, style="{"))
                self._handlers[fmt] = handler
            logger.addHandler(self._handlers[fmt])
        return logger


def _make_unique_log_dir() -> str:
    home = os.environ.get("ROS_HOME") or os.path.join("~", ".ros")
    base = os.path.expanduser(os.environ.get("ROS_LOG_DIR") or os.path.join(home, "log"))
    stamp = datetime.datetime.now().strftime("%Y-%m-%d-%H-%M-%S-%f")
    path = os.path.join(os.path.normpath(base), f"{stamp}-{socket.gethostname()}-{os.getpid()}")
    os.makedirs(path)
    return path


launch_config = LaunchConfig()
reset = launch_config.reset


def get_logger(name: str | None = None) -> logging.Logger:
    """Return a logger that writes to the screen and to launch.log."""
    return launch_config.logger(name, [OWN, OWN_FILE])


def get_output_loggers(process_name: str, output_config: Any) -> list[logging.Logger]:
    """Return the loggers of a process's stdout and stderr lines.

    `output_config` is 'screen', 'log' (stderr also on the screen), 'both', or a dict from 'stdout',
    'stderr' and 'both' to one or several of 'screen' and 'log'; ValueError for anything else.
    """
    if output_config == "log":
        output_config = {"both": "log", "stderr": "screen"}
    elif output_config in ("screen", "both"):
        both = ("screen", "log") if output_config == "both" else "screen"
        output_config = {"both": both}
    if not isinstance(output_config, Mapping) or not set(output_config) <= {
        *("stdout", "stderr", "both")
    }:
        raise ValueError(f'{output_config} is not a valid output config i.e. "screen" or "log"')
    chosen: dict[str, set[str]] = {}
    for source, value in output_config.items():
        chosen[source] = {value} if isinstance(value, str) else set(value)
        if unknown := chosen[source] - {"screen", "log"}:
            raise ValueError(f'{unknown} is not a valid output destination i.e. "screen" or "log"')
    loggers = []
    for source in ("stdout", "stderr"):
        destinations = chosen.get("both", set()) | chosen.get(source, set())
        formats = [{"screen": LINE, "log": LINE_FILE}[name] for name in sorted(destinations)]
        loggers.append(launch_config.logger(f"{process_name}-{source}", formats))
    return loggers
