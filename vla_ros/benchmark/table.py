"""What was measured as text, with the reference report's figures beside."""

from collections.abc import Sequence
from dataclasses import fields

from vla_ros.benchmark.configuration import Configuration
from vla_ros.benchmark.measure import TOTAL, Result
from vla_ros.benchmark.results import REFERENCE_MS, REFERENCE_ON, TYPES

_ALWAYS = ("head",)
_NAMED = ("views", "reuse", "batch")  # numbers, which say nothing alone
_COLUMNS = ("VL", "VL/tick", "sensor", "state", "action", "total", "p50", "p99", "FPS", "MB")


def labels(results: Sequence[Result]) -> list[str]:
    """Return what tells each configuration from the others: its head, and what varies."""
    every = [result.configuration for result in results]
    names = [field.name for field in fields(Configuration)]
    varying = [n for n in names if n in _ALWAYS or len({getattr(c, n) for c in every}) > 1]
    return [", ".join(_said(c, name) for name in varying) for c in every]


def _said(c: Configuration, name: str) -> str:
    value = getattr(c, name)
    if isinstance(value, bool):
        return f"{'with' if value else 'without'} {name.replace('_', ' ')}"
    if name == "head":
        return TYPES[value].replace("_", " ")
    return f"{name} {value}" if name in _NAMED else str(value)


def table(results: Sequence[Result]) -> str:
    """Return the comparisons, one after the other; times are means in ms."""
    named = labels(results)
    heads = [head for head in TYPES if any(r.configuration.head == head for r in results)]
    reference = [f"reference, {TYPES[head].replace('_', ' ')}" for head in heads]
    width = max(map(len, [*named, *reference]))
    lines = [" " * width + "".join(f"{column:>9}" for column in _COLUMNS) + "   share of total"]
    before = ""
    for label, result in zip(named, results, strict=True):
        if result.comparison != before:
            before = result.comparison
            lines.append(f"-- {before} ".ljust(width + 9 * len(_COLUMNS), "-"))
        lines.append(f"{label:<{width}}{_cells(result)}   {_shares(result)}")
    lines.append(f"-- reference: {REFERENCE_ON} ".ljust(width + 9 * len(_COLUMNS), "-"))
    for label, head in zip(reference, heads, strict=True):
        r = REFERENCE_MS[head]
        cells = [r["vl"], r["vl"], r["sensor"], None, r["action"], r["total"], None, None]
        texts = ["" if cell is None else f"{cell:.2f}" for cell in cells]
        texts.append(f"{1e3 / r['total']:.2f}")
        shares = [r[stage] / r["total"] for stage in ("vl", "sensor", "action")]
        lines.append(
            f"{label:<{width}}{''.join(f'{text:>9}' for text in texts)}{'':9}   "
            f"VL {shares[0]:.1%}, sensor {shares[1]:.1%}, action {shares[2]:.1%}"
        )
    return "\n".join(lines)


def _cells(result: Result) -> str:
    stages = ("vl", "vl_per_tick", "sensor", "state", "action", TOTAL)
    has = result.samples_ms
    numbers = [f"{result.mean_ms(stage):.2f}" if stage in has else "-" for stage in stages]
    total = result.stages()[TOTAL]
    numbers += [f"{total['p50']:.2f}", f"{total['p99']:.2f}", f"{result.fps:.2f}"]
    return "".join(f"{number:>9}" for number in [*numbers, f"{result.peak_mb:.0f}"])


def _shares(result: Result) -> str:
    parts = {"VL": "vl_per_tick", "sensor": "sensor", "state": "state", "action": "action"}
    total = result.mean_ms(TOTAL)
    has = {name: stage for name, stage in parts.items() if stage in result.samples_ms}
    return ", ".join(f"{name} {result.mean_ms(s) / total:.1%}" for name, s in has.items())
