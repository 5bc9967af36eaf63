"""Measures the encoder beside the plain use of transformers, on the same weights and images.

Both run in turn in one process, the plain way with the C library's own memory settings. With
--quantize ours runs quantised too, beside itself in float32. The last line on stdout is JSON.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from vla_ros.benchmark.arguments import count, image_size
from vla_ros.core.errors import VlaError
from vla_ros.models.compiled import CHOICES
from vla_ros.models.features import EncodedFeatures, Encoder
from vla_ros.models.hardware import (
    device_name,
    finisher,
    keep_memory,
    matrix_rate,
    pick_device,
    pick_dtype,
    set_threads,
    threads_used,
)
from vla_ros.models.quantize import QUANTIZATIONS
from vla_ros.models.recipes import RECIPES, make
from vla_ros.models.reference import ReferenceEncoder
from vla_ros.models.view_gate import Reuse
from vla_ros.models.vl_encoder import load_encoder

_TEXT = "insert the needle into the blue point"
_GATE = Reuse(threshold=1.0, max_age_s=3600.0, static_first=True)
Images = list[NDArray[np.uint8]]


@dataclass(frozen=True)
class Ways:
    """What is measured, loaded and warm."""

    plain: ReferenceEncoder
    ours: Encoder
    gated: Encoder
    layout: str
    quantized: Encoder | None = None
    exact: Encoder | None = None  # ours in float32, what the quantised one is compared with

    def reference(self, images: Images) -> NDArray[np.float32]:
        """Encode the plain way: one forward for all views, or one after the other."""
        if self.layout == "joint":
            return self.plain.encode(images, _TEXT)
        each = [self.plain.hidden([image], _TEXT)[0] for image in images]
        mean: NDArray[np.float32] = np.concatenate(each).mean(0)
        return mean


def images_of(views: int, size: tuple[int, int], seed: int) -> Images:
    """Return images (height, width, 3) with edges, shades and noise, each different."""
    rng = np.random.default_rng(seed)
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width]
    made = []
    for _ in range(views):
        slopes = rng.uniform(-1.0, 1.0, (3, 2))
        shades = [128 + 100 * np.sin(a * rows / 30 + b * columns / 30) for a, b in slopes]
        noise = rng.normal(0.0, 8.0, (height, width, 3))
        made.append(np.clip(np.stack(shades, -1) + noise, 0, 255).astype(np.uint8))
    return made


def load(folder: Path, args: argparse.Namespace) -> Ways:
    """Load the checkpoint in `folder` in all ways that the command line asks for."""
    set_threads(args.threads)
    where = pick_device(args.device)
    kind = pick_dtype(args.dtype, where)
    options = {"device": args.device, "dtype": args.dtype, "compiled": args.compiled}
    ours = load_encoder(folder, **options)
    gated = load_encoder(folder, **options, reuse=_GATE)
    plain = ReferenceEncoder(folder / "vlm", where, kind, ours.config.prompt)
    if args.quantize == "none":
        return Ways(plain, ours, gated, args.layout)
    quantized = load_encoder(folder, **options, quantize=args.quantize)
    exact = load_encoder(folder, device=args.device, dtype="float32", compiled="off")
    return Ways(plain, ours, gated, args.layout, quantized, exact)


def timed(work: Callable[[], Any], finish: Callable[[], None]) -> tuple[Any, float]:
    """Return what `work` returns and how long it took [s]."""
    finish()
    start_s = time.perf_counter()
    result = work()
    finish()
    return result, time.perf_counter() - start_s


def measure(ways: Ways, views: int, size: tuple[int, int], iterations: int) -> dict[str, Any]:
    """Run the ways in turn, every time on new images; return the numbers."""
    ours, finish = ways.ours, finisher(ways.ours.device)
    rates = []
    took: dict[str, list[float]] = {"reference": [], "ours": [], "gated": []}
    cosines, hashes, errors = [], [], []
    for number in tqdm(range(iterations + 1), unit="encode"):  # the first warms up
        images = images_of(views, size, number)
        keep_memory(False)
        wanted, reference_s = timed(partial(ways.reference, images), finish)
        keep_memory()
        encoded, ours_s = timed(partial(ours.encode, images, _TEXT), finish)
        gated_s = changed_alone(ways.gated, images, finish)
        error = quantization(ways, images, finish)
        if number:
            took["reference"].append(reference_s)
            took["ours"].append(ours_s)
            took["gated"].append(gated_s)
            errors.append(error)
            cosines.append(cosine(wanted, encoded.data))
            rates.append(matrix_rate(ours.device, ours.dtype))
            hashes.append(hashlib.sha256(np.stack(images).tobytes()).hexdigest()[:12])
    figures = summary(ours, encoded, took, max(rates)) | worst(errors)
    if "quantized_s" in figures:
        figures["quantized_ratio"] = figures["reference_s"] / figures["quantized_s"]
    return figures | {
        "cosine_min": min(cosines),
        "image_hashes": hashes,
        "layout": ways.layout,
        "views": views,
        "size": list(size),
        "iterations": iterations,
    }


def changed_alone(gated: Encoder, images: Images, finish: Callable[[], None]) -> float:
    """Return the time of an encode in which one view has changed since the one before [s]."""
    last = len(images) - 1
    others = [np.roll(image, 50, 1) if n == last else image for n, image in enumerate(images)]
    gated.encode(images, _TEXT)
    gated.encode(others, _TEXT)  # puts the view that changes last
    encoded, took_s = timed(partial(gated.encode, images, _TEXT), finish)
    if encoded.computed != (last,):
        raise VlaError(f"views {encoded.computed} were computed where only {last} changed")
    return took_s


def quantization(ways: Ways, images: Images, finish: Callable[[], None]) -> dict[str, float]:
    """Return what an encode costs quantised, and what it gets wrong against float32; or nothing."""
    if ways.quantized is None or ways.exact is None:
        return {}
    exact = ways.exact.encode(images, _TEXT).data
    encoded, took_s = timed(partial(ways.quantized.encode, images, _TEXT), finish)
    return {
        "quantized_s": took_s,
        "quantized_error_max": float(np.linalg.norm(encoded.data - exact) / np.linalg.norm(exact)),
        "quantized_cosine_min": cosine(exact, encoded.data),
    }


def worst(errors: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the numbers of `quantization` over all encodes: the middle time, the worst errors."""
    pick: dict[str, Callable[[list[float]], float]] = {"s": median, "max": max, "min": min}
    return {name: pick[name.split("_")[-1]]([e[name] for e in errors]) for name in errors[0]}


def summary(
    ours: Encoder, encoded: EncodedFeatures, took: dict[str, list[float]], rate: float
) -> dict[str, Any]:
    """Return the numbers that are written; `rate` is the best that the device multiplied with."""
    middle = {way: median(seconds) for way, seconds in took.items()}
    cost = ours.cost(encoded)
    return {
        "reference_s": middle["reference"],
        "ours_s": middle["ours"],
        "ratio": middle["reference"] / middle["ours"],
        "best_ratio": min(took["reference"]) / min(took["ours"]),
        "ours_best_s": min(took["ours"]),
        "gated_s": middle["gated"],
        "gated_ratio": middle["ours"] / middle["gated"],
        "share_of_limit": cost.flops / rate / min(took["ours"]),
        "matrix_gflops": rate / 1e9,
        "gflop": cost.flops / 1e9,
        "tokens": encoded.total_tokens,
        "view_tokens": encoded.view_tokens.tolist(),
        "image_grid_thw": encoded.image_grid_thw.tolist(),
        "stages_s": {stage.name: stage.duration_ns / 1e9 for stage in encoded.stages},
        "device": device_name(ours.device),
        "dtype": str(ours.dtype).removeprefix("torch."),
        "threads": threads_used(),
    }


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the cosine of two vectors (D,)."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; return the exit code."""
    args = parser().parse_args(argv)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            recipe = RECIPES[args.shape]
            views = tuple(f"camera_{number}" for number in range(1, args.views + 1))
            policy = replace(recipe.policy, layout=args.layout, views=views)
            make(Path(scratch), replace(recipe, policy=policy), seed=0)
            ways = load(Path(scratch), args)
            result = measure(ways, args.views, args.size, args.iterations)
    except (VlaError, OSError) as error:
        print(f"benchmark_encoder: {error}", file=sys.stderr)
        return 1
    chosen = {name: getattr(args, name) for name in ("shape", "compiled", "quantize")}
    print(json.dumps(chosen | result))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    command = argparse.ArgumentParser("benchmark_encoder", description=__doc__)
    command.add_argument("--shape", choices=tuple(RECIPES), default="embedded")
    command.add_argument("--views", type=count, default=5)
    command.add_argument("--size", type=image_size, default=(640, 360), help="such as 640x360")
    command.add_argument("--layout", choices=("joint", "per_view"), default="joint")
    command.add_argument("--iterations", type=count, default=5)
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    command.add_argument("--dtype", choices=("auto", "float32", "bfloat16"), default="auto")
    command.add_argument("--compiled", choices=CHOICES, default="auto")
    command.add_argument("--quantize", choices=QUANTIZATIONS, default="none")
    command.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    return command


if __name__ == "__main__":
    sys.exit(main())
