"""The tables of an episode: sensor samples and robot states, as npz or csv."""

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import VlaError
from vla_ros.core.time import NS

STAMP = "stamp_ns"


class EpisodeError(VlaError):
    """An episode's folder is missing, damaged or contradicts itself."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows with the time of their capture.

    Attributes:
        stamps_ns: (N,) int64, never going back.
        values: (N, C) float32.
        rate_hz: samples a second.
        names: of the joints, where they are known.
        note: what had to be supposed; empty if nothing.
    """

    stamps_ns: NDArray[np.int64]
    values: NDArray[np.float32]
    rate_hz: float
    names: tuple[str, ...] = ()
    note: str = ""


def read_samples(folder: Path, name: str, start_ns: int, duration_s: float) -> Samples | None:
    """Read `name`.npz or `name`.csv of an episode; None if it has neither.

    Args:
        folder: the episode.
        name: `sensor` or `robot_states`.
        start_ns: the first stamp, where the file has none.
        duration_s: how long the images last; gives the rate, where the file has none.

    Raises:
        EpisodeError: the file is damaged, or its arrays contradict each other.
    """
    npz, table = folder / f"{name}.npz", folder / f"{name}.csv"
    if npz.is_file():
        arrays = read_arrays(npz)
        values = _values(npz, arrays)
        given, rate_hz = arrays.get("stamps_ns"), _scalar(npz, arrays, "rate_hz")
        names = tuple(str(joint) for joint in arrays.get("joint_names", ()))
        return _checked(npz, values, given, rate_hz, names, start_ns, duration_s)
    if table.is_file():
        given, values, names = _read_csv(table)
        return _checked(table, values, given, 0.0, names, start_ns, duration_s)
    return None


def read_arrays(path: Path, names: Collection[str] = ()) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of an npz file by name, all or those of `names`; never a pickle.

    Raises:
        EpisodeError: it is no npz file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files if not names or name in names}
    except (OSError, ValueError, AttributeError, EOFError, BadZipFile) as error:
        raise EpisodeError(f"{path} is no npz file of numbers: {error}") from error


def _values(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> NDArray[np.generic]:
    """Return the rows: the array `values`, else the only table in the file."""
    if "values" in arrays:
        return arrays["values"]
    tables = [a for a in arrays.values() if a.ndim == 2 and np.issubdtype(a.dtype, np.number)]
    if len(tables) == 1:
        return tables[0]
    shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
    raise EpisodeError(f"{path} holds {shapes or 'nothing'}; an array values (N, C) is needed")


def _scalar(path: Path, arrays: Mapping[str, NDArray[np.generic]], name: str) -> float:
    """Return a single number, 0 where there is none."""
    array = arrays.get(name)
    if array is None:
        return 0.0
    if array.size != 1 or not np.issubdtype(array.dtype, np.number) or not array.item() > 0:
        raise EpisodeError(f"{path}: {name} is {array!r}; one positive number is allowed")
    return float(array.item())


def _read_csv(
    path: Path,
) -> tuple[NDArray[np.generic] | None, NDArray[np.generic], tuple[str, ...]]:
    """Return stamps if there are any, values and the columns' names."""
    try:
        with path.open(newline="") as file:
            header = [cell.strip() for cell in next(csv.reader(file), [])]
        named = not all(_is_number(cell) for cell in header)
        stamped = named and header[0] == STAMP
        odd = [cell for cell in header[stamped:] if named and _tells_time(cell)]
        if odd:
            raise EpisodeError(f"{path} has a column {odd[0]!r}; time is allowed as {STAMP} first")
        load = partial(np.loadtxt, path, delimiter=",", skiprows=int(named))
        table = load(dtype=np.float32, usecols=range(int(stamped), len(header)), ndmin=2)
        # Nanoseconds since 1970 are more than a float64 holds.
        stamps = load(dtype=np.int64, usecols=0, ndmin=1) if stamped else None
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise EpisodeError(f"{path} is no table of numbers: {error}") from error
    return stamps, table, tuple(header[stamped:]) if named else ()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _tells_time(name: str) -> bool:
    return name.lower() in ("t", "time", "timestamp", "stamp", "sec", "secs", "stamp_s", STAMP)


def _checked(
    path: Path,
    values: NDArray[np.generic],
    given: NDArray[np.generic] | None,
    rate_hz: float,
    names: tuple[str, ...],
    start_ns: int,
    duration_s: float,
) -> Samples:
    """Return the samples, with stamps evenly spaced where there are none."""
    table = values[:, None] if values.ndim == 1 else values
    if table.ndim != 2 or not table.size or not np.issubdtype(table.dtype, np.number):
        raise EpisodeError(
            f"{path}: values are {values.dtype} {values.shape}; numbers (N, C) are needed"
        )
    rows = table.astype(np.float32, copy=False)
    if given is not None:
        stamps_ns = _stamps(path, given, len(rows))
        return Samples(stamps_ns, rows, rate_hz or _rate_hz(stamps_ns), names)
    supposed = rate_hz or (len(rows) / duration_s if duration_s > 0 else 1.0)
    stamps_ns = start_ns + np.round(np.arange(len(rows)) * (NS / supposed)).astype(np.int64)
    note = f"{path.name} has no stamps_ns: supposed to be evenly spaced at {supposed:.6g} Hz"
    return Samples(stamps_ns, rows, supposed, names, note)


def _stamps(path: Path, given: NDArray[np.generic], count: int) -> NDArray[np.int64]:
    if given.shape != (count,):
        raise EpisodeError(f"{path}: stamps_ns {given.shape} for {count} rows of values")
    if not np.issubdtype(given.dtype, np.number) or not np.isfinite(given).all():
        raise EpisodeError(f"{path}: stamps_ns are not all finite numbers; integer ns are allowed")
    stamps_ns = given.astype(np.int64)
    back = np.flatnonzero(np.diff(stamps_ns) < 0)
    if back.size:
        raise EpisodeError(f"{path}: stamps_ns go back after row {back[0]}; sorted are allowed")
    return stamps_ns


def _rate_hz(stamps_ns: NDArray[np.int64]) -> float:
    span_ns = int(stamps_ns[-1] - stamps_ns[0])
    return (len(stamps_ns) - 1) * NS / span_ns if span_ns else 0.0
