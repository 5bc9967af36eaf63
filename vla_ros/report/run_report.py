"""Makes the report of a run from its bag: numbers, pictures, a trace."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vla_ros.core.errors import BagError, VlaError
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.recorder import Recorder, versions
from vla_ros.data.run_log import TYPES, RunLog
from vla_ros.report import plots
from vla_ros.report.plot_style import save_png
from vla_ros.report.summary import summarize, table
from vla_ros.report.trace import write_trace


def read_log(path: Path) -> tuple[RunLog, dict[str, Any]]:
    """Return the numbers of a recorded run, and what is to be said about its bag.

    Raises:
        BagError: there is no bag, nothing of it can be read, or it holds no run.
    """
    try:
        return _read_log(path, salvage=False)
    except BagError as error:
        try:
            return _read_log(path, salvage=True)
        except BagError:
            raise error from None


def write_report(log: RunLog, folder: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """Write summary.json, the pictures and trace.json into `folder`; return the summary.

    Args:
        log: the run.
        folder: must exist.
        about: added to the summary: `bag`, `versions`.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    summary = {**summarize(log), **about}
    (folder / "summary.json").write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n")
    save_png(plots.timeline(log), folder / "timeline.png")
    save_png(plots.latency(log), folder / "latency.png")
    write_trace(log, folder / "trace.json")
    return summary


def finish(recorder: Recorder, folder: Path) -> str:
    """Close a recording, write its report and return what is to be said about it."""
    recorder.close()
    log, about = recorder.log, about_recording(recorder)
    try:
        if recorder.bag.continued:  # what was recorded before this process is in the bag only
            log, read = read_log(recorder.bag.path)
            about["bag"]["note"] = read["bag"]["note"]
        summary = write_report(log, folder, about)
    except (VlaError, OSError) as error:
        return f"no report could be made: {error}"
    return f"{table(summary)}\nreport: {folder}"


def about_recording(recorder: Recorder) -> dict[str, Any]:
    """Return what a recorder knows about its own bag, in the summary's form."""
    bag = recorder.bag
    about = {"messages": bag.written, "dropped": bag.dropped, "note": bag.error}
    return {"bag": about, "versions": versions()}


def _read_log(path: Path, *, salvage: bool) -> tuple[RunLog, dict[str, Any]]:
    log = RunLog()
    with BagReader(path, salvage=salvage) as bag:
        if not TYPES & set(bag.topics.values()):
            raise BagError(f"{path} holds no run: none of its topics is {', '.join(sorted(TYPES))}")
        wanted = [topic for topic, msgtype in bag.topics.items() if msgtype in TYPES]
        for record in bag.messages(wanted):
            try:
                log.add(record.msgtype, record.log_ns, bag.decode(record))
            except BagError:  # one message that is not what it claims does not spoil the rest
                log.unreadable[record.msgtype] += 1
        about = {
            "bag": {"messages": sum(bag.counts.values()), "note": bag.note, "dropped": None},
            "versions": json.loads(bag.custom.get("versions", "{}")),
        }
    return log, about
