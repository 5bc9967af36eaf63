"""What is measured: one configuration of a policy, and lists of those that are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from vla_ros.core.errors import ParameterError

RESOLUTIONS = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080)}
STAGES_ALONE = "stages"  # what is measured when nothing is compared


@dataclass(frozen=True, slots=True)
class Configuration:
    """One way to run a policy; everything that its time depends on, but the machine."""

    model: str  # a checkpoint's name, see `Workbench`
    head: str  # regression or flow
    views: int  # cameras of a frame set
    layout: str  # joint or per_view, see docs/encoder.md
    sensor: bool = True
    robot_states: bool = True
    resolution: str = "native"  # as recorded, a name in RESOLUTIONS or WIDTHxHEIGHT
    reuse: int = 1  # ticks for each encode
    batch: int = 1  # frame sets in one encode

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def comparisons(
    bases: Sequence[Configuration], asked: Mapping[str, Sequence[Any]]
) -> dict[str, list[Configuration]]:
    """Return the lists of configurations to be compared, by what varies in them.

    Args:
        bases: one configuration a head.
        asked: fields of a configuration, and their values to compare; empty to compare the heads.
    """
    made: dict[str, list[Configuration]] = {}
    for name, values in asked.items():
        starts = map(_a_view_apart, bases) if name == "batch" else bases
        made[name] = [replace(base, **{name: value}) for base in starts for value in values]
    return made or {STAGES_ALONE: list(bases)}


def _a_view_apart(base: Configuration) -> Configuration:
    """Only sequences with one view each are computed as a batch."""
    return replace(base, layout="per_view")


def pixels(resolution: str) -> tuple[int, int] | None:
    """Return the width and height that a resolution names; None to leave images as they are.

    Raises:
        ParameterError: there is no such resolution.
    """
    if resolution == "native":
        return None
    if resolution in RESOLUTIONS:
        return RESOLUTIONS[resolution]
    width, _, height = resolution.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ParameterError(
            f"resolution is {resolution!r}; native, {', '.join(RESOLUTIONS)} or WIDTHxHEIGHT is "
            "allowed"
        )
    return int(width), int(height)
