"""Measures how long reading a large bag takes, against rosbags alone on the same file.

Writes a bag of raw 640x360 images (691 kB each), reads it with both in turn, each way in a process
of its own, and removes it. A further pass, which is not timed, takes a hash of what each has read.
The last line on stdout is JSON.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from vla_ros.core.errors import VlaError
from vla_ros.data import bag_speed

READERS: dict[str, bag_speed.Read] = {
    "rosbags": bag_speed.rosbags,
    "vla_ros": bag_speed.ours,
    "rosbags decoded": bag_speed.rosbags_decoded,
    "vla_ros decoded": bag_speed.ours_decoded,
}
_IMAGE_BYTES = 691_200


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="benchmark_bags",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--gb", type=float, default=1.0, help="size of the bag (default: 1)")
    parser.add_argument("--repeats", type=int, default=5, help="of each way (default: 5)")
    parser.add_argument("--scratch", type=Path, help="where the bag is made (default: /tmp)")
    arguments = parser.parse_args(argv)
    if arguments.gb <= 0 or arguments.repeats < 1:
        parser.error(f"--gb {arguments.gb:g} --repeats {arguments.repeats}: above 0 is allowed")
    try:
        with tempfile.TemporaryDirectory(prefix="vla_ros_bags_", dir=arguments.scratch) as folder:
            results = measure(Path(folder) / "bag", arguments.gb, arguments.repeats)
    except (VlaError, OSError) as error:
        print(f"benchmark_bags: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benchmark_bags: interrupted", file=sys.stderr)
        return 130
    print(table(results))
    print(json.dumps(results))
    return 0 if results["same_bytes"] else 1


def measure(bag: Path, gb: float, repeats: int) -> dict[str, Any]:
    """Write the bag, read it in every way in turn, and return what that took."""
    count = max(round(gb * 1e9 / _IMAGE_BYTES), 1)
    with tqdm(total=count * _IMAGE_BYTES, unit="B", unit_scale=True, desc="writing") as bar:
        bag_speed.write_images(bag, count, bar.update)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in READERS}
    hashes = {}
    for _ in tqdm(range(repeats), unit="repeat", desc="reading"):
        for name in READERS:
            runs[name].append(_apart(_timed, name, bag))
    for name in READERS:
        hashes[name] = _apart(_hash, name, bag)
    seconds = {name: median(run["s"] for run in runs[name]) for name in READERS}
    size = sum(file.stat().st_size for file in bag.glob("*.mcap"))
    return {
        "gb": size / 1e9,
        "messages": runs["vla_ros"][0]["messages"],
        "seconds": seconds,
        "seconds_all": {name: [run["s"] for run in runs[name]] for name in READERS},
        "mb_per_s": {name: size / 1e6 / s for name, s in seconds.items()},
        "peak_mb": {name: max(run["peak_mb"] for run in runs[name]) for name in READERS},
        # Below 1: less time than rosbags takes.
        "ratio": seconds["vla_ros"] / seconds["rosbags"],
        "ratio_decoded": seconds["vla_ros decoded"] / seconds["rosbags decoded"],
        "hash": hashes,
        "same_bytes": hashes["rosbags"] == hashes["vla_ros"]
        and hashes["rosbags decoded"] == hashes["vla_ros decoded"],
    }


def table(results: dict[str, Any]) -> str:
    """Return the results as text."""
    head = f"{results['gb']:.2f} GB, {results['messages']} messages of 691 kB"
    lines = [head, f"{'':16}{'s':>8}{'MB/s':>8}{'peak MB':>9}"]
    for name in READERS:
        seconds, speed, peak = (results[key][name] for key in ("seconds", "mb_per_s", "peak_mb"))
        lines.append(f"{name:16}{seconds:8.2f}{speed:8.0f}{peak:9.0f}")
    same = "the same" if results["same_bytes"] else "DIFFERENT"
    return "\n".join([*lines, f"both read {same} bytes"])


def _apart(function: Any, name: str, bag: Path) -> Any:
    """Call in a process of its own: peak memory and allocator start afresh."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, name, bag).result()


def _timed(name: str, bag: Path) -> dict[str, Any]:
    begin_s = time.perf_counter()
    messages = sum(1 for _ in READERS[name](bag))
    seconds = time.perf_counter() - begin_s
    return {"s": seconds, "messages": messages, "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    """Return the peak of this process's own memory; ru_maxrss has its parent's in it."""
    status = Path("/proc/self/status").read_text()
    [line] = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1e3


def _hash(name: str, bag: Path) -> str:
    digest = hashlib.sha256()
    for data in READERS[name](bag):
        digest.update(data)
    return digest.hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
