"""Where launch's own messages and the processes' lines go: the screen and files in log_dir."""

from __future__ import annotations

import datetime
import logging
import os
import socket
import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

OWN = "[{levelname}] [{name}]: {msg}"
OWN_FILE = "{created:.7f} " + OWN
LINE = "{msg}"
LINE_FILE = "{created:.7f} {msg}"

_STANDARD: dict[str, dict[str, set[str]]] = {
    "screen": {"both": {"screen"}},
    "log": {"both": {"log"}, "stderr": {"screen"}},
    "both": {"both": {"log", "screen"}},
    "own_log": {"both": {"own_log"}, "stdout": {"own_log"}, "stderr": {"own_log"}},
    "full": {
        "both": {"screen", "log", "own_log"},
        "stdout": {"own_log"},
        "stderr": {"own_log"},
    },
}


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
    """The log directory, the level and the handlers, one per destination and format."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[str, str], logging.Handler] = {}
        self.reset()

    def reset(self) -> None:
        """Forget the directory, close the files and take all loggers' handlers away."""
        self._log_dir: str | None = None
        self.level = logging.INFO
        for handler in self._handlers.values():
            for logger in _loggers:
                logger.removeHandler(handler)
            handler.close()
        self._handlers.clear()

    @property
    def level(self) -> int:
        return logging.root.getEffectiveLevel()

    @level.setter
    def level(self, new_level: int) -> None:
        logging.root.setLevel(new_level)

    @property
    def log_dir(self) -> str:
        """This launch's directory, made below ROS_LOG_DIR, ROS_HOME/log or ~/.ros/log."""
        if self._log_dir is None:
            self._log_dir = _make_unique_log_dir()
        return self._log_dir

    @log_dir.setter
    def log_dir(self, new_log_dir: str | None) -> None:
        if new_log_dir is not None and not os.path.isdir(new_log_dir):
            raise ValueError(f"{new_log_dir} is not a directory")
        self._log_dir = new_log_dir

    def get_log_file_path(self, file_name: str = "launch.log") -> str:
        return os.path.join(self.log_dir, file_name)

    def handler(self, destination: str, fmt: str) -> logging.Handler:
        """Return the handler for "" (the screen) or a file's name, with that format."""
        if (destination, fmt) not in self._handlers:
            handler: logging.Handler = _ScreenHandler()
            if destination:
                path = self.get_log_file_path(destination)
                handler = logging.FileHandler(path, encoding="utf-8")
            handler.setFormatter(logging.Formatter(fmt, style="{"))
            self._handlers[destination, fmt] = handler
        return self._handlers[destination, fmt]


def _make_unique_log_dir() -> str:
    home = os.environ.get("ROS_HOME") or os.path.join("~", ".ros")
    base = os.environ.get("ROS_LOG_DIR") or os.path.join(home, "log")
    stamp = datetime.datetime.now().strftime("%Y-%m-%d-%H-%M-%S-%f")
    path = os.path.join(
        os.path.normpath(os.path.expanduser(base)), f"{stamp}-{socket.gethostname()}-{os.getpid()}"
    )
    os.makedirs(path)
    latest = os.path.join(os.path.dirname(path), "latest")
    try:
        if os.path.islink(latest):
            os.unlink(latest)
        os.symlink(path, latest, target_is_directory=True)
    except OSError as error:
        warnings.warn(f"Cannot create a symlink to latest log directory: {error}", stacklevel=2)
    return path


_loggers: set[logging.Logger] = set()
launch_config = LaunchConfig()
reset = launch_config.reset


def get_logger(name: str | None = None) -> logging.Logger:
    """Return a logger that writes to the screen and to launch.log."""
    return _logger(name, [("", OWN), ("launch.log", OWN_FILE)])


def _logger(name: str | None, destinations: Iterable[tuple[str, str]]) -> logging.Logger:
    logger = logging.getLogger(name)
    logger.propagate = False
    _loggers.add(logger)
    for handler in [launch_config.handler(*destination) for destination in destinations]:
        if handler not in logger.handlers:
            logger.addHandler(handler)
    return logger


def log_launch_config(*, logger: logging.Logger = logging.root) -> None:
    """Say where the log files are and which level is logged."""
    logger.info(f"All log files can be found below {launch_config.log_dir}")
    level = logging.getLevelName(launch_config.level)
    logger.info(f"Default logging verbosity is set to {level}")


def _normalize_output_configuration(config: Any) -> dict[str, set[str]]:
    normalized: dict[str, set[str]] = {"both": set(), "stdout": set(), "stderr": set()}
    if isinstance(config, str):
        if config not in _STANDARD:
            raise ValueError(
                f'{config} is not a valid standard output config i.e. "screen", "log" or "both"'
            )
        return {**normalized, **_STANDARD[config]}
    if not isinstance(config, Mapping):
        raise ValueError(f"{config} is not a valid output configuration")
    for source, value in config.items():
        if source not in normalized:
            raise ValueError(
                f'{source} is not a valid output source i.e. "stdout", "stderr" or "both"'
            )
        normalized[source] = {value} if isinstance(value, str) else set(value)
        for destination in normalized[source] - {"screen", "log", "own_log"}:
            raise ValueError(
                f'{destination} is not a valid output destination i.e. "screen", "log" or "own_log"'
            )
    return normalized


def get_output_loggers(
    process_name: str, output_config: Any
) -> tuple[logging.Logger, logging.Logger]:
    """Return the loggers of a process's stdout and stderr lines.

    `output_config` is 'screen', 'log', 'both', 'own_log', 'full', or a dict from 'stdout',
    'stderr' and 'both' to destinations of 'screen', 'log' and 'own_log'; ValueError otherwise.
    """
    output = _normalize_output_configuration(output_config)
    loggers = []
    for source in ("stdout", "stderr"):
        chosen = output["both"] | output[source]
        destinations = [("", LINE)] if "screen" in chosen else []
        if "log" in chosen:
            destinations.append(("launch.log", LINE_FILE))
        if "own_log" in output[source]:
            destinations.append((f"{process_name}-{source}.log", LINE))
        if "own_log" in output["both"]:
            destinations.append((f"{process_name}.log", LINE))
        loggers.append(_logger(f"{process_name}-{source}", destinations))
    return loggers[0], loggers[1]
