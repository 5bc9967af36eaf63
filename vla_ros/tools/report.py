"""Makes the report of a run (summary.json, timeline.png, latency.png) from its bag.

Usage: python -m vla_ros.tools.report DIR_OR_BAG [--output-dir DIR]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vla_ros.core.errors import VlaError
from vla_ros.data.recorder import BAG
from vla_ros.report.run_report import read_log, write_report
from vla_ros.report.summary import table


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("path", type=Path, help="the output_dir of a run, or a bag")
    parser.add_argument("--output-dir", type=Path, help="where to write (default: beside the bag)")
    arguments = parser.parse_args(argv)
    path: Path = arguments.path
    bag = path / BAG if (path / BAG).is_dir() else path
    folder = arguments.output_dir or bag.parent
    try:
        log, about = read_log(bag)
        folder.mkdir(parents=True, exist_ok=True)
        summary = write_report(log, folder, about)
    except (VlaError, OSError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    if about["bag"]["note"]:
        print(f"note: {about['bag']['note']}", file=sys.stderr)
    print(table(summary))
    print(f"report: {folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
