"""Removes the shared memory that killed Fast DDS processes leave behind."""

import fcntl
import os
import re
from pathlib import Path

# A segment or port `fastrtps_x` (Kilted: `fastdds_x`) has a lock file `fastrtps_x_el` (or _sl) that
# its owner holds.
_LOCK = re.compile(r"^(fast(?:rtps|dds)_(?:port\d+|[0-9a-f]+))_(?:el|sl)$")


def clean(folder: Path = Path("/dev/shm")) -> int:
    """Delete what no living process holds any more; return the bytes that were freed.

    The same rule as `fastdds shm clean`: whoever can take a segment's lock knows that its owner
    is gone. What belongs to other users, or is held, stays.
    """
    freed = 0
    for lock in sorted(folder.glob("fast*")):
        match = _LOCK.match(lock.name)
        if match and _is_abandoned(lock):
            freed += sum(_remove(path) for path in (folder / match[1], lock))
    return freed


def _is_abandoned(lock: Path) -> bool:
    try:
        handle = os.open(lock, os.O_RDWR)
    except OSError:  # another user's, or gone already
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _remove(path: Path) -> int:
    try:
        size = path.stat().st_size
        path.unlink()
    except OSError:
        return 0
    return size
