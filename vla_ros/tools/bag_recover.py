"""Makes a whole bag out of one whose recorder was killed, or that is damaged otherwise.

Writes a new bag beside it (BAG_recovered) with index and metadata; the original is not touched.
MCAP and SQLite, compressed or not. Of a bag that is whole, nothing is written.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from vla_ros.core.errors import VlaError
from vla_ros.data.bag_recover import Recovery, recover
from vla_ros.data.recorder import BAG


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="bag-recover",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bag", type=Path, help="a bag, one of its files, or the folder of a run")
    parser.add_argument("--output", type=Path, help="the new bag (default: BAG_recovered)")
    arguments = parser.parse_args(argv)
    bag = arguments.bag / BAG if (arguments.bag / BAG).is_dir() else arguments.bag
    stem = bag.name.split(".")[0] if bag.is_file() else bag.absolute().name
    out = arguments.output or bag.absolute().with_name(f"{stem}_recovered")
    try:
        with tqdm(unit="msg", desc="recovering", disable=None, leave=False) as bar:

            def progress(done: int, whole: int) -> None:
                bar.total = whole
                bar.update(done - bar.n)

            recovery = recover(bag, out, progress=progress)
    except (VlaError, OSError) as error:
        print(f"bag-recover: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bag-recover: interrupted, nothing was kept", file=sys.stderr)
        return 130
    print(report(recovery, bag, out))
    return 0


def report(recovery: Recovery, bag: Path, out: Path) -> str:
    """Return what is to be said about a recovery."""
    if not recovery.note and not recovery.lost:
        return f"{bag} is whole: {sum(recovery.counts.values())} messages, nothing to recover"
    width = max(map(len, recovery.counts), default=5)
    lines = [f"damage: {recovery.note}", f"{'topic':{width}}  messages  lost"]
    for topic, count in sorted(recovery.counts.items()):
        lines.append(f"{topic:{width}}  {count:8}  {recovery.lost.get(topic, 0):4}")
    lines += [f"left out: {why}" for why in recovery.left_out.values()]
    lost = sum(recovery.lost.values())
    lines.append(
        f"{lost} messages that the bag lists are lost"
        if lost
        else "what lay behind the break, or in damaged parts, is listed nowhere and not counted"
    )
    return "\n".join([*lines, f"recovered: {out}"])


if __name__ == "__main__":
    raise SystemExit(main())
