"""Measures a tick of the action side beside its plain forward, for both heads.

Both run in turn in one process, each time on new inputs; the last line on stdout is JSON.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tqdm import tqdm

from vla_ros.benchmark.arguments import count
from vla_ros.core.errors import VlaError
from vla_ros.models.config import INPUTS
from vla_ros.models.hardware import device_name, finisher
from vla_ros.models.policy import Actor, load_actor
from vla_ros.models.recipes import RECIPES, make_policy
from vla_ros.models.reference import ReferenceActor

_TICKS_A_FEATURE = 10  # of 10 Hz and 1 Hz


def measure(folder: Path, head: str, iterations: int, options: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of one head."""
    ours: Actor = load_actor(folder, head, **options)
    eager = ReferenceActor(folder, head, ours.device)
    ours.warm_up()
    finish = finisher(ours.device)
    rng = np.random.default_rng(0)
    sizes = [ours.config.window(name) for name in INPUTS]
    took: dict[str, list[float]] = {"eager": [], "ours": []}
    differences = []
    for number in tqdm(range(iterations + 1), unit="tick"):  # the first warms up
        if number % _TICKS_A_FEATURE == 0:
            features = rng.standard_normal(ours.config.feature_dim, np.float32)
        windows = [rng.standard_normal((w.window, w.channels), np.float32) for w in sizes]
        chunks: dict[str, Any] = {}
        for way, act in (("eager", eager.act), ("ours", ours.act)):
            start_s = time.perf_counter()
            chunks[way] = act(features, *windows)
            finish()
            took[way].append(time.perf_counter() - start_s)
        differences.append(float(np.abs(chunks["eager"] - chunks["ours"].chunk).max()))
    eager_s, ours_s = median(took["eager"][1:]), median(took["ours"][1:])
    return {
        "eager_ms": 1e3 * eager_s,
        "ours_ms": 1e3 * ours_s,
        "ours_best_ms": 1e3 * min(took["ours"][1:]),
        "ours_p99_ms": 1e3 * float(np.percentile(took["ours"][1:], 99)),
        "ratio": eager_s / ours_s,
        "max_abs_diff": max(differences),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; return the exit code."""
    args = parser().parse_args(argv)
    options: dict[str, Any] = {"device": args.device, "threads": args.threads}
    try:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            policy = RECIPES[args.shape].policy
            if args.flow_steps:
                policy = replace(policy, flow_steps=args.flow_steps)
            (folder / policy.vlm).mkdir()  # the action side reads no vision-language model
            make_policy(folder, policy, seed=0)
            heads = {head: measure(folder, head, args.iterations, options) for head in policy.heads}
            device = load_actor(folder, **options).device
    except (VlaError, OSError) as error:
        print(f"benchmark_action: {error}", file=sys.stderr)
        return 1
    about = {"shape": args.shape, "device": device_name(device), "threads": args.threads}
    print(json.dumps(about | {"flow_steps": policy.flow_steps} | heads))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    command = argparse.ArgumentParser("benchmark_action", description=__doc__)
    command.add_argument("--shape", choices=tuple(RECIPES), default="3b", help="default: 3b")
    command.add_argument("--iterations", type=count, default=50)
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    command.add_argument("--threads", type=int, default=1, help="0: torch's own choice")
    command.add_argument("--flow-steps", type=count, help="default: the shape's, 10")
    return command


if __name__ == "__main__":
    sys.exit(main())
