"""Reads bags: whole ones through rosbags, damaged ones as far as they go."""

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.rosbag2 import ReaderError
from rosbags.serde import SerdeError

from vla_ros.core.errors import BagError
from vla_ros.data import bag_metadata
from vla_ros.data.bag_salvage import Record, Salvage
from vla_ros.data.definitions import typestore

_SUFFIXES = (".mcap", ".db3")
_UNREADABLE = (AnyReaderError, ReaderError, OSError, AssertionError, TypeError, ValueError)


class BagReader:
    """A bag open for reading; a context manager that closes it.

    `topics` maps each topic to its type, `counts` to its number of messages; `note` says how the
    bag is damaged and is empty when it is whole; `custom` are the texts that its recorder kept.
    """

    def __init__(self, path: Path, *, salvage: bool = False) -> None:
        """Open a bag. One whose recorder was killed is read as far as it goes.

        Args:
            path: a rosbag2 directory, or one of its files.
            salvage: read past damage in the middle too (slower, and in the order of the file).

        Raises:
            BagError: there is no bag, or nothing of it can be read.
        """
        files = _files(path)
        self.path = path
        self.custom = _custom(path)
        self._source: _Whole | Salvage
        reason = ""
        if not salvage:
            try:
                self._source = _Whole(path)
            except _UNREADABLE as error:
                salvage, reason = True, f"{error}; "
        if salvage:
            self._source = Salvage(files)
        self.topics = self._source.topics
        self.counts = self._source.counts
        self.note = reason + self._source.note

    def __enter__(self) -> "BagReader":
        """Return the reader."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bag."""
        self._source.close()

    def messages(self, topics: Collection[str] = ()) -> Iterator[Record]:
        """Yield the messages of some topics, or of all, in the order of their receipt.

        Raises:
            BagError: a chunk in the middle is damaged; `salvage` reads past it.
        """
        try:
            yield from self._source.messages(topics)
        except (AnyReaderError, ReaderError, ValueError) as error:
            raise BagError(f"the bag is damaged: {error}") from error

    def decode(self, record: Record) -> Any:
        """Return a message with the fields of its type, as it is defined in the bag.

        Raises:
            BagError: the type has no definition, or the bytes are not of that type.
        """
        try:
            return self._source.types.deserialize_cdr(record.data, record.msgtype)
        except (KeyError, SerdeError, ValueError, IndexError, AssertionError) as error:
            raise BagError(
                f"a message on {record.topic} is no {record.msgtype}: {error!r}"
            ) from error


class _Whole:
    """A bag as rosbags reads it."""

    def __init__(self, path: Path) -> None:
        self._reader = AnyReader([path], default_typestore=typestore())
        self._reader.open()
        self.note = ""
        self.types = self._reader.typestore
        self.topics = {c.topic: c.msgtype for c in self._reader.connections}
        self.counts: Counter[str] = Counter()
        for connection in self._reader.connections:
            self.counts[connection.topic] += connection.msgcount

    def messages(self, topics: Collection[str]) -> Iterator[Record]:
        chosen = [c for c in self._reader.connections if not topics or c.topic in topics]
        if not chosen:  # to rosbags, no connection means every connection
            return
        for connection, log_ns, data in self._reader.messages(chosen):
            yield Record(connection.topic, connection.msgtype, log_ns, data)

    def close(self) -> None:
        self._reader.close()


def _files(path: Path) -> list[Path]:
    """Return the bag files at `path` in the order in which they were written."""
    if not path.exists():
        raise BagError(f"there is no bag at {path}")
    found = [path] if path.is_file() else [f for f in path.iterdir() if f.is_file()]
    files = [file for file in found if file.suffix in _SUFFIXES]
    if not files:
        raise BagError(f"{path} holds no bag: a {' or a '.join(_SUFFIXES)} file is needed")
    if not any(file.stat().st_size for file in files):
        raise BagError(f"the bag at {path} is empty: its recorder wrote nothing")
    return sorted(files, key=lambda file: (len(file.name), file.name))


def _custom(path: Path) -> dict[str, str]:
    try:
        return bag_metadata.read(path)[1]
    except BagError:  # the messages may be readable all the same
        return {}
