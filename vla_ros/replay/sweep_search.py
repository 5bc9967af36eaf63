"""The highest rate that holds: a binary search with short runs, then long ones that confirm it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vla_ros.replay.results import number

CONFIRMATIONS = 2
Holds = Callable[[float], bool]


def highest(rates: Sequence[float], short: Holds, long: Holds) -> float | None:
    """Return the highest of the ascending rates that holds, None if none does.

    After a binary search with `short` runs, CONFIRMATIONS `long` ones must hold at the rate that
    was found, and one must fail at the next above; where they say otherwise, the search moves on
    from there, rate by rate.
    """
    found = _bisect(rates, short)
    confirmed: set[int] = set()
    refuted: set[int] = set()
    while found >= 0:
        if found not in confirmed and not all(long(rates[found]) for _ in range(CONFIRMATIONS)):
            refuted.add(found)
            found -= 1
            continue
        confirmed.add(found)
        above = found + 1
        if above == len(rates) or above in refuted or not long(rates[above]):
            return rates[found]
        found = above
    return None


def _bisect(rates: Sequence[float], holds: Holds) -> int:
    """Return the index of the highest rate that holds, as if all above a failing one failed."""
    holding, failing = -1, len(rates)
    while failing - holding > 1:
        middle = (holding + failing) // 2
        if holds(rates[middle]):
            holding = middle
        else:
            failing = middle
    return holding


def table(sweeps: Mapping[str, Any]) -> str:
    """Return the found rates and every run as lines of text."""
    lines = []
    for name, sweep in sweeps.items():
        found = "none holds"
        if sweep["highest_hz"] is not None:
            at_least = "at least " if sweep["highest_tried"] else ""
            found = f"{at_least}{number(sweep['highest_hz'])} Hz"
        lines += [
            f"highest {name} rate that holds: {found} "
            f"({sweep['parameter']} varied; all else as configured)",
            f"{'rate [Hz]':>10}{'run [s]':>9}{'frames lost [%]':>17}{'deadlines missed':>18}  ",
        ]
        for trial in sweep["trials"]:
            lost, missed = trial["frames_lost_percent"], trial["deadlines_missed"]
            lines.append(
                f"{number(trial['rate_hz']):>10}{number(trial['seconds']):>9}{number(lost):>17}"
                f"{number(missed):>18}  {trial['reason'] or 'holds'}"
            )
        lines.append("")
    return "\n".join(lines).rstrip()
