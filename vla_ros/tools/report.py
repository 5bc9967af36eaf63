"""Makes the report of runs from their bags: a page, its numbers, pictures and a trace.

Usage: python -m vla_ros.tools.report DIR_OR_BAG... [--output-dir DIR]

Each run gets report.html (one file that a browser opens from disk), summary.json, timeline.png,
latency.png and trace.json (for ui.perfetto.dev or chrome://tracing). Several runs get
comparison.html too, which holds them against the first. A folder of a replay (replay.json,
lockstep.json) or of benchmarks (comparison.csv) gets a page of what is in it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vla_ros.core.errors import VlaError
from vla_ros.data.recorder import BAG
from vla_ros.report.page_compare import Run
from vla_ros.report.page_folders import folder_page, is_folder
from vla_ros.report.run_report import PAGE, read_log, write_comparison, write_report
from vla_ros.report.summary import table
from vla_ros.report.verdict import verdict

COMPARISON = "comparison.html"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return _report(arguments.path, arguments.output_dir)
    except KeyboardInterrupt:
        print("report: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "path", type=Path, nargs="+", help="the output_dir of a run, a bag, or another folder"
    )
    parser.add_argument(
        "--output-dir",
        type=Path,
        help="where to write; of several, each goes into a folder of its own in there (default: "
        "beside the bag, NAME_report for a bag that lies by itself; comparison.html beside the "
        "first run's folder)",
    )
    return parser


def _report(paths: Sequence[Path], output_dir: Path | None) -> int:
    """Report each path; a bad one is told of and does not keep the others from it."""
    runs: list[Run] = []
    failed = False
    for path, name in zip(paths, _names(paths), strict=True):
        folder = _folder(path)
        if output_dir is not None:
            folder = output_dir / name if len(paths) > 1 else output_dir
        if len(paths) > 1:
            print(f"{name}:")
        try:
            run = None if _write_folder_page(path, folder) else _report_run(path, name, folder)
        except (VlaError, OSError) as error:
            print(f"report: {error}", file=sys.stderr)
            failed = True
            continue
        runs += [run] if run is not None else []
        print(f"report: {folder}")
    if len(runs) > 1:
        page = (output_dir or runs[0].folder.absolute().parent) / COMPARISON
        try:
            write_comparison(runs, page)
        except OSError as error:
            print(f"report: {error}", file=sys.stderr)
            return 1
        print(f"comparison: {page}")
    return 1 if failed else 0


def _write_folder_page(path: Path, folder: Path) -> bool:
    """Write the page of a folder that holds no run of its own; return whether it is one."""
    if (path / BAG).is_dir() or not is_folder(path):
        return False
    page = folder_page(path, folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_text(page, encoding="utf-8")
    return True


def _report_run(path: Path, name: str, folder: Path) -> Run:
    log, about = read_log(_bag(path))
    folder.mkdir(parents=True, exist_ok=True)
    summary = write_report(log, folder, about, name)
    if about["bag"]["note"]:
        print(f"note: {about['bag']['note']}", file=sys.stderr)
    print(table(summary))
    return Run(name, folder, log, summary, verdict(summary))


def _bag(path: Path) -> Path:
    return path / BAG if (path / BAG).is_dir() else path


def _folder(path: Path) -> Path:
    """Return where the report of a path goes: into the run's folder, or beside a bare bag."""
    if path.name == BAG:
        return path.parent
    if (path / BAG).is_dir() or is_folder(path):
        return path
    return path.parent / f"{_name(path)}_report"


def _name(path: Path) -> str:
    """Return what a run is called: its folder, or the bag that lies by itself."""
    whole = path.resolve()
    if whole.name == BAG:
        return whole.parent.name
    return whole.stem if whole.is_file() else whole.name


def _names(paths: Sequence[Path]) -> list[str]:
    """Return a name for each path, no two of them the same."""
    names: list[str] = []
    for name in map(_name, paths):
        same = sum(known == name or known.startswith(f"{name} ") for known in names)
        names.append(f"{name} {same + 1}" if same else name)
    return names


if __name__ == "__main__":
    raise SystemExit(main())
