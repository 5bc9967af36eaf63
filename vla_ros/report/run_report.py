"""Makes the report of a run from its bag: numbers, pictures, a trace and a page."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vla_ros.core.errors import BagError, VlaError
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.recorder import Recorder, versions
from vla_ros.data.run_log import RUN_TYPES, TYPES, RunLog
from vla_ros.report import plots
from vla_ros.report.page import CHARTS, page
from vla_ros.report.page_compare import Run, compare_page
from vla_ros.report.plot_motion import motion
from vla_ros.report.plot_style import save_png, svg
from vla_ros.report.summary import summarize, table
from vla_ros.report.trace import write_trace
from vla_ros.report.verdict import verdict

PAGE = "report.html"


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


def write_report(
    log: RunLog, folder: Path, about: Mapping[str, Any], name: str = ""
) -> dict[str, Any]:
    """Write summary.json, trace.json, two pictures and report.html; return the summary.

    Args:
        log: the run.
        folder: must exist.
        about: added to the summary: `bag`, `versions`, `configuration`, `model_id`.
        name: of the run; the folder's, where there is none.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    summary = {**summarize(log), **about}
    (folder / "summary.json").write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n")
    write_trace(log, folder / "trace.json")
    pictures = {"timeline": plots.timeline(log), "latency": plots.latency(log)}
    drawn = {**pictures, "motion": motion(log), "processes": plots.processes(log)}
    charts = {key: svg(one, key, CHARTS[key]) for key, one in drawn.items() if one is not None}
    title = name or folder.absolute().name
    told = page(title, log, summary, verdict(summary), charts)
    (folder / PAGE).write_text(told, encoding="utf-8")
    for key, picture in pictures.items():
        save_png(picture, folder / f"{key}.png")
    return summary


def write_comparison(runs: Sequence[Run], path: Path) -> None:
    """Write the page that holds several runs against the first.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    drawn = plots.latencies_of([(run.name, run.log) for run in runs])
    chart = svg(drawn, "latency", "Latency distributions of each run, stage by stage.")
    path.write_text(compare_page(runs, path.parent, chart), encoding="utf-8")


def finish(recorder: Recorder, folder: Path) -> str:
    """Close a recording, write its report and return what is to be said about it."""
    recorder.close()
    log, about = recorder.log, about_recording(recorder)
    try:
        if recorder.bag.continued:  # what was recorded before this process is in the bag only
            log, read = read_log(recorder.bag.path)
            about["bag"]["note"] = read["bag"]["note"]
            about["model_id"] = about["model_id"] or read["model_id"]
        summary = write_report(log, folder, about)
    except (VlaError, OSError) as error:
        return f"no report could be made: {error}"
    return f"{table(summary)}\nreport: {folder}"


def about_recording(recorder: Recorder) -> dict[str, Any]:
    """Return what a recorder knows about its own bag, in the summary's form."""
    bag = recorder.bag
    about = {"messages": bag.written, "dropped": bag.dropped, "note": bag.error}
    return {
        "bag": about,
        "versions": versions(),
        "configuration": recorder.configuration,
        "model_id": recorder.model_id,
    }


def _read_log(path: Path, *, salvage: bool) -> tuple[RunLog, dict[str, Any]]:
    log = RunLog()
    with BagReader(path, salvage=salvage) as bag:
        if not RUN_TYPES & set(bag.topics.values()):
            wanted_types = ", ".join(sorted(RUN_TYPES))
            raise BagError(f"{path} holds no run: none of its topics is {wanted_types}")
        wanted = [topic for topic, msgtype in bag.topics.items() if msgtype in TYPES]
        total = sum(bag.counts[topic] for topic in wanted)
        # Told on a terminal only, and only where it takes its time.
        shown = {"desc": "reading", "unit": " messages", "leave": False, "delay": 1.0}
        messages = tqdm(bag.messages(wanted), total=total, disable=None, **shown)
        for record in messages:
            try:
                log.add(record.msgtype, record.log_ns, bag.decode(record))
            except BagError:  # one message that is not what it claims does not spoil the rest
                log.unreadable[record.msgtype] += 1
        about = {
            "bag": {"messages": sum(bag.counts.values()), "note": bag.note, "dropped": None},
            "versions": _object(bag.custom.get("versions", "")),
            "configuration": _object(bag.custom.get("configuration", "")),
            "model_id": bag.custom.get("model_id", ""),
        }
    return log, about


def _object(text: str) -> dict[str, Any]:
    """Return the JSON object that a recorder kept with the bag, {} for what is none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
