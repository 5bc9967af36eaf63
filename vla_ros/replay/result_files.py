"""The files of a replay: replay.json, replay.txt, junit.xml and results.mcap."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from vla_ros.core.time import NS
from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.definitions import typestore
from vla_ros.replay import baseline, sweep_search
from vla_ros.replay.results import REPLAY, table

TEXT, JUNIT, MCAP = "replay.txt", "junit.xml", "results.mcap"
_MSGTYPE = "diagnostic_msgs/msg/DiagnosticArray"
_TOPIC = "/replay/measures"
_OK, _WARN, _ERROR = 0, 1, 2
# A case of JUnit: its name, what is wrong (empty: nothing), and whether it was run at all.
Case = tuple[str, str, bool]


def write(result: Mapping[str, Any], folder: Path, text: str) -> None:
    """Write all four files into the folder, which must be there."""
    whole = json.dumps(result, indent=1, allow_nan=False) + "\n"
    (folder / REPLAY).write_text(whole)
    (folder / TEXT).write_text(text + "\n")
    junit(result).write(folder / JUNIT, encoding="utf-8", xml_declaration=True)
    _write_mcap(result, folder / MCAP)


def described(result: Mapping[str, Any]) -> str:
    """Return a result and its comparison as text."""
    sweeps = result.get("sweeps")
    parts = [sweep_search.table(sweeps) if sweeps else table(result)]
    if result["comparison"]:
        parts.append(baseline.table(result["comparison"]))
    return "\n\n".join(parts)


def brief(result: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the few things that a script asks first; the rest is in replay.json."""
    verdict, comparison = result["verdict"], result["comparison"]
    sweeps = result.get("sweeps", {}).items()
    return {
        "mode": result["mode"],
        "result": str(folder / REPLAY),
        "model_id": result["model_id"],
        "valid": sum(repeat["valid"] for repeat in result["repeats"]),
        "repeats": len(result["repeats"]),
        "holds": verdict["holds"] if verdict else None,
        "stage": verdict["stage"] if verdict else None,
        "highest_hz": {name: sweep["highest_hz"] for name, sweep in sweeps},
        "regressions": comparison["regressions"] if comparison else None,
    }


def junit(result: Mapping[str, Any]) -> ElementTree.ElementTree:
    """Return a test suite a run, with a case a check, and one with a case a compared measure."""
    runs = result["repeats"]
    suites = {Path(repeat["folder"]).name: list(_checks(repeat)) for repeat in runs}
    for name, sweep in result.get("sweeps", {}).items():
        fault = "no rate holds" if sweep["highest_hz"] is None else ""
        suites[name] = [(f"highest {name} rate", fault, True)]
    if result["comparison"]:
        suites["baseline"] = list(_compared(result["comparison"]))
    return junit_of(result["mode"], suites)


def junit_of(mode: str, suites: Mapping[str, list[Case]]) -> ElementTree.ElementTree:
    """Return suites of cases as JUnit has them."""
    root = ElementTree.Element("testsuites", name=f"replay.{mode}")
    for name, cases in suites.items():
        _add_suite(root, name, cases)
    for total in ("tests", "failures", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ElementTree.indent(root)
    return ElementTree.ElementTree(root)


def _add_suite(root: ElementTree.Element, name: str, cases: list[Case]) -> None:
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(sum(bool(fault) for _, fault, _ in cases)),
        skipped=str(sum(not run for _, _, run in cases)),
    )
    for case, fault, run in cases:
        element = ElementTree.SubElement(
            suite, "testcase", classname=f"{root.get('name')}.{name}", name=case
        )
        if fault:
            ElementTree.SubElement(element, "failure", message=fault)
        elif not run:
            ElementTree.SubElement(element, "skipped", message="not measured")


def _checks(repeat: Mapping[str, Any]) -> Iterator[Case]:
    yield "valid", repeat["reason"], True
    for check in (repeat["verdict"] or {"checks": ()})["checks"]:
        told = f"{check['value']} {check['unit']}".rstrip() + f"; at most {check['limit']:g}"
        fault = f"{told} is allowed" if check["ok"] is False else ""
        yield check["name"], fault, check["ok"] is not None


def _compared(comparison: Mapping[str, Any]) -> Iterator[Case]:
    for row in comparison["rows"]:
        bad = row["outcome"] in ("regression", "gone")
        told = f"{row['old']} before, {row['new']} now; {row['tolerance']:.4g} {row['unit']} worse"
        yield row["name"], f"{told} is allowed ({row['why']})" if bad else "", True


def _write_mcap(result: Mapping[str, Any], path: Path) -> None:
    """Write the measures of each run as one message, stamped a second apart."""
    start_ns = time.time_ns()
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        bag = Path(scratch) / path.stem
        with BagWriter(bag) as writer:
            writer.add_topic(_TOPIC, _MSGTYPE)
            for number, repeat in enumerate(result["repeats"]):
                stamp_ns = start_ns + number * NS
                writer.write(_TOPIC, _message(repeat, stamp_ns), stamp_ns)
        [file] = bag.glob("*.mcap")
        shutil.move(file, path)


def _message(repeat: Mapping[str, Any], stamp_ns: int) -> bytes:
    types = typestore().types
    pair = types["diagnostic_msgs/msg/KeyValue"]
    verdict = repeat["verdict"]
    status = types["diagnostic_msgs/msg/DiagnosticStatus"](
        level=_ERROR if not repeat["valid"] else _OK if verdict and verdict["holds"] else _WARN,
        name=Path(repeat["folder"]).name,
        message=repeat["reason"] or (verdict["reason"] if verdict else ""),
        hardware_id="",
        values=[
            pair(key=name, value="" if value is None else str(value))
            for name, value in repeat["measures"].items()
        ],
    )
    stamp = types["builtin_interfaces/msg/Time"](*divmod(stamp_ns, NS))
    header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="")
    message = types[_MSGTYPE](header=header, status=[status])
    return bytes(typestore().serialize_cdr(message, _MSGTYPE))
