"""A run of known numbers, put into the tables of a log: what the messages would have told."""

import numpy as np

from vla_ros.data.run_log import ModeChange, RunLog

SECONDS = 20


def good_run():
    """Return 20 s of 10 Hz ticks on 1 Hz features and 50 Hz commands, nothing amiss."""
    log = RunLog()
    log.duration_s = float(SECONDS)
    encodes(log)
    ticks(log)
    commands(log, np.arange(SECONDS * 50) * 0.02)
    for t_s, mode in ((0.0, "WAITING"), (1.0, "RUNNING")):
        log.modes.append(ModeChange(t_s, "command", mode, "inputs are sound"))
    for t_s in range(SECONDS):
        counters(log, "vl_encoder", t_s, **{"camera_1.received": 10 * t_s, "camera_1.lost": 0})
        counters(log, "sim", t_s, **{"camera_1.sent": 10 * t_s + 30})
        counters(log, "action", t_s, **{"sensor.samples": 650 * t_s, "sensor.lost": 0})
        log.processes["action"].append(t_s, 0.1 * t_s, 300.0 + t_s, 67.1, 17)
    return log


def encodes(log, vision_s=0.4, every_s=1.0):
    """Put in encodes and their features."""
    for number in range(int(SECONDS / every_s)):
        t_s = number * every_s
        log.features.append(t_s + vision_s, t_s, number, 350, 0.01)
        log.cycles["vl_encoder"].append(t_s, number, 0, vision_s + 0.1)
        log.stages["vl_encoder", "vision"].append(t_s, 0.0, vision_s)
        log.stages["vl_encoder", "language"].append(t_s, vision_s, 0.1)
    log.images_used["camera_1"] = len(log.features)


def ticks(log, late_s=0.0, action_s=0.004, age_s=1.0, skipped=(), late=range(1, 10**6, 2)):
    """Put in ticks and their chunks; `late_s` is by how much those in `late` are late."""
    for tick in range(SECONDS * 10):
        if tick in skipped:
            continue
        t_s = tick * 0.1 + (tick in late) * late_s
        log.chunks.append(t_s, tick, 1, age_s, 0.01, 0.0015, 0.01, 0.01)
        log.cycles["action"].append(t_s, tick, 0, action_s + 0.001)
        log.stages["action", "action"].append(t_s, 0.0, action_s)
        log.stages["action", "publish"].append(t_s, action_s, 0.001)


def commands(log, times_s, velocities=None):
    """Put in commands; `velocities` (N, 3) [m/s]."""
    for row, t_s in enumerate(times_s):
        linear = [0.0] * 3 if velocities is None else list(velocities[row])
        log.commands.append(t_s, float(np.linalg.norm(linear)), *linear, 0.0, 0.0, 0.0)


def counters(log, status, t_s, **values):
    """Put in what a status tells of its counters."""
    for key, value in values.items():
        log.counters[status, key].append(t_s, value)
