"""Turns a PyTorch .pt file of weights into a checkpoint folder."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vla_ros.core.errors import CheckpointError, VlaError

_DESCRIPTION = """\
Turn a PyTorch .pt file of weights (what torch.save wrote of a state dict) into a checkpoint folder:
config.json and model.safetensors. Nothing in the file is run. Names may begin with "module." or
"_orig_mod.". Every tensor that the configuration describes must be there in its size, and no other:
--rename and --drop make names fit, and what does not is listed.

  convert best.pt policy --config config.json --vlm Qwen/Qwen2.5-VL-3B-Instruct \\
      --rename sensor_encoder.=encoders.sensor. --drop vl_model."""


def main(argv: Sequence[str] | None = None) -> int:
    """Convert what the command line names; return the exit code."""
    args = _parser().parse_args(argv)
    try:
        _convert(args)
    except (VlaError, OSError) as error:
        print(f"convert: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "convert", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="the .pt file")
    parser.add_argument("out", type=Path, help="folder to make; it must not exist")
    described = parser.add_mutually_exclusive_group()
    described.add_argument("--config", type=Path, help="config.json that describes the weights")
    described.add_argument("--shape", default="3b", help="or a known shape (default: 3b)")
    parser.add_argument("--vlm", help="folder or id of the vision-language model")
    parser.add_argument(
        "--rename", action="append", default=[], metavar="OLD=NEW", help="beginning"
    )
    parser.add_argument(
        "--drop", action="append", default=[], metavar="BEGINNING", help="leave out"
    )
    return parser


def _convert(args: argparse.Namespace) -> None:
    from vla_ros.models.config import read_config
    from vla_ros.models.convert import convert
    from vla_ros.models.recipes import RECIPES

    if args.config is None and args.shape not in RECIPES:
        raise CheckpointError(f"shape is {args.shape!r}; {', '.join(RECIPES)} is allowed")
    config = read_config(args.config) if args.config else RECIPES[args.shape].policy
    if args.vlm:
        config = replace(config, vlm=args.vlm)
    rename = {}
    for pair in args.rename:
        old, equals, new = pair.partition("=")
        if not equals or not old:
            raise CheckpointError(f"rename is {pair!r}; OLD=NEW is wanted")
        rename[old] = new
    count = convert(args.source, args.out, config, rename=rename, drop=args.drop)
    print(f"{args.out}: {count} tensors, vlm {config.vlm}")


if __name__ == "__main__":
    sys.exit(main())
