"""Makes a checkpoint with random weights: a policy to try the graph, test and measure with."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from vla_ros.core.errors import CheckpointError, VlaError

_DESCRIPTION = """\
Make a checkpoint folder with random weights: config.json, model.safetensors (sensor and
robot-state encoders, regression and flow-matching heads) and vlm/, a Hugging Face folder of the
Qwen2.5-VL family with its own tokenizer, chat template and image processor.

  embedded   7 M parameters, 60 MB; heads for every combination of inputs; the graph's default
  232m       a quarter of a billion parameters; encoders and heads of the reference sizes
  3b         the shape of Qwen2.5-VL-3B in bfloat16, 8 GB; reference sizes likewise

To put a trained vision-language model in its place, set "vlm" in config.json to its folder or
id, such as Qwen/Qwen2.5-VL-3B-Instruct (with --shape 3b, so that feature_dim fits)."""

_INPUT_SET_HELP = "make only the heads that work without {}; with neither flag: what the shape has"


def main(argv: Sequence[str] | None = None) -> int:
    """Make the checkpoint that the command line asks for; return the exit code."""
    args = _parser().parse_args(argv)
    try:
        _make(args)
    except (VlaError, OSError) as error:
        print(f"make_checkpoint: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "make_checkpoint",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="folder to make; it must not exist, or be empty")
    parser.add_argument("--shape", choices=("embedded", "232m", "3b"), default="embedded")
    parser.add_argument("--no-sensor", action="store_true", help=_INPUT_SET_HELP.format("a sensor"))
    parser.add_argument(
        "--no-robot-states", action="store_true", help=_INPUT_SET_HELP.format("robot states")
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random weights (default: 0)")
    return parser


def _make(args: argparse.Namespace) -> None:
    from vla_ros.models.checkpoint import open_checkpoint
    from vla_ros.models.recipes import RECIPES, make

    if args.out.exists() and (not args.out.is_dir() or any(args.out.iterdir())):
        raise CheckpointError(f"{args.out} exists already; a new or an empty folder is wanted")
    recipe = RECIPES[args.shape]
    if args.no_sensor or args.no_robot_states:
        recipe = recipe.without(sensor=args.no_sensor, robot_states=args.no_robot_states)
    start_s = time.monotonic()
    args.out.mkdir(parents=True, exist_ok=True)
    make(args.out, recipe, args.seed)
    size = sum(path.stat().st_size for path in args.out.rglob("*") if path.is_file())
    model_id = open_checkpoint(args.out).model_id()
    took_s = time.monotonic() - start_s
    print(f"{args.out}: model {model_id}, {size / 1e6:.0f} MB, made in {took_s:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
