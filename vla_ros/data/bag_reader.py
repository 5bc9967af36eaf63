"""Reads bags of any ROS 2: MCAP and SQLite, compressed or not; damaged ones as far as they go."""

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import zstandard

from vla_ros.core.errors import BagError
from vla_ros.data import bag_mcap, bag_metadata, bag_sqlite
from vla_ros.data.bag_mcap import McapFile
from vla_ros.data.bag_metadata import Metadata
from vla_ros.data.bag_sqlite import SqliteFile
from vla_ros.data.bag_topics import BagFile, BagTypes, Topic
from vla_ros.data.bag_topics import Record as Record

_SUFFIXES = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd")
_ZSTD, _ROS1 = b"\x28\xb5\x2f\xfd", b"#ROSBAG V"
_FORMATS: dict[bytes, Callable[..., BagFile]] = {
    bag_mcap.MAGIC: McapFile,
    bag_sqlite.MAGIC: SqliteFile,
}


class BagReader:
    """A bag open for reading; a context manager that closes it.

    `topics` maps each topic to its type, `counts` to its number of messages; `note` says how the
    bag is damaged and is empty when it is whole; `custom` are the texts that its recorder kept;
    `described` are the topics with all that the bag says of them.
    """

    def __init__(self, path: Path, *, salvage: bool = False) -> None:
        """Open a bag. One whose recorder was killed is read as far as it goes.

        Args:
            path: a rosbag2 directory, or one of its files.
            salvage: look for damage in the middle too, and leave it out (reads everything twice).

        Raises:
            BagError: there is no bag, or nothing of it can be read.
        """
        self.path = path
        self._stack = ExitStack()
        files, metadata, notes = _files(path)
        self.custom = dict(metadata.custom)
        self._unpacks_messages = metadata.compression == "message"
        self._files: list[BagFile] = []
        try:
            for file in files:
                notes += self._open(file, salvage)
            topics = [topic for file in self._files for topic in file.topics]
            self.described = list({topic.name: topic for topic in topics}.values())
            notes += _two_types(topics)
            if not self.described and notes:
                raise BagError(f"nothing can be read from {path}: {'; '.join(notes)}")
        except BaseException:
            self.close()
            raise
        self.note = "; ".join(notes)
        self.topics = {topic.name: topic.msgtype for topic in self.described}
        self.counts = sum((file.counts for file in self._files), Counter[str]())
        self._types = BagTypes(topics)

    def __enter__(self) -> "BagReader":
        """Return the reader."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bag."""
        self.close()

    def close(self) -> None:
        """Close the bag."""
        self._stack.close()

    def messages(self, topics: Collection[str] = ()) -> Iterator[Record]:
        """Yield the messages of some topics, or of all, in the order of their receipt.

        Raises:
            BagError: a part in the middle is damaged; `salvage` reads past it.
        """
        wanted = set(topics or self.topics)
        for file in self._files:
            for record in file.messages(wanted):
                yield _unpacked(record) if self._unpacks_messages else record

    def decode(self, record: Record) -> Any:
        """Return a message with the fields of its type, as it is defined in the bag.

        Raises:
            BagError: the type has no definition, or the bytes are not of that type.
        """
        return self._types.decode(record)

    def _open(self, path: Path, salvage: bool) -> list[str]:
        """Open one file; return what is to be said about it."""
        try:
            file = _open_file(path, salvage, self._stack)
        except (BagError, OSError, zstandard.ZstdError) as error:
            return [str(error)]
        self._stack.callback(file.close)
        self._files.append(file)
        return [file.note] if file.note else []


def _files(path: Path) -> tuple[list[Path], Metadata, list[str]]:
    """Return a bag's files in the order in which they were written, and what is wrong so far."""
    if not path.exists():
        raise BagError(f"there is no bag at {path}")
    if path.is_file():
        _refuse_ros1(path)
        return [path], Metadata(), []
    found = {f.name: f for f in path.iterdir() if f.is_file() and f.name.endswith(_SUFFIXES)}
    if not found:
        _refuse_ros1(next(path.glob("*.bag"), path))
        raise BagError(f"{path} holds no bag: a file {', '.join(_SUFFIXES)} is needed")
    if not any(file.stat().st_size for file in found.values()):
        raise BagError(f"the bag at {path} is empty: its recorder wrote nothing")
    metadata = bag_metadata.read(path)
    listed = [file.name for file in metadata.files]
    absent = [name for name in listed if name not in found]
    notes = [metadata.note] if metadata.note else []
    notes += [f"{bag_metadata.NAME} names {name}, which is not there" for name in absent]
    names = [name for name in listed if name in found]
    # A killed recorder may have begun a file that it had no time to list.
    if not names or bag_metadata.is_open(metadata):
        names += sorted(found.keys() - set(names), key=lambda name: (len(name), name))
    return [found[name] for name in names], metadata, notes


def _open_file(path: Path, salvage: bool, stack: ExitStack) -> BagFile:
    """Open a file by what it begins with, not by its name."""
    with path.open("rb") as stream:
        magic = stream.read(16)
    if magic.startswith(_ZSTD):
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="vla_ros_bag_")))
        unpacked = folder / path.name.removesuffix(".zstd")
        with path.open("rb") as packed, unpacked.open("wb") as target:
            shutil.copyfileobj(zstandard.ZstdDecompressor().stream_reader(packed), target)
        return _open_file(unpacked, salvage, stack)
    for start, kind in _FORMATS.items():
        if magic.startswith(start):
            return kind(path, check=salvage)
    what = "is neither MCAP nor SQLite, so it holds no bag" if magic else "is empty"
    raise BagError(f"{path.name} {what}")


def _refuse_ros1(path: Path) -> None:
    if not path.is_file():
        return
    with path.open("rb") as file:
        magic = file.read(len(_ROS1))
    if magic == _ROS1:
        raise BagError(
            f"{path} is a bag of ROS 1; `rosbags-convert --src {path} --dst NEW` makes one of ROS 2"
        )


def _two_types(topics: Collection[Topic]) -> list[str]:
    """Say which topics have messages of different types; the last one is given as theirs."""
    types: dict[str, set[str]] = defaultdict(set)
    for topic in topics:
        types[topic.name].add(topic.msgtype)
    mixed = {name: sorted(kinds) for name, kinds in types.items() if len(kinds) > 1}
    return [f"{name} has messages of {' and '.join(kinds)}" for name, kinds in mixed.items()]


def _unpacked(record: Record) -> Record:
    try:
        return record._replace(data=zstandard.ZstdDecompressor().decompress(record.data))
    except zstandard.ZstdError as error:
        raise BagError(f"a message on {record.topic} cannot be decompressed: {error}") from error
