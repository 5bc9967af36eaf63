"""Reads what is left of damaged MCAP files: cut off, without an index, with bad chunks."""

import struct
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mcap.exceptions import McapError
from mcap.records import Channel, Chunk, Footer, McapRecord, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk
from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from vla_ros.core.errors import BagError

# What is raised by bytes that are not what they should be. RuntimeError: a compressed chunk.
_DAMAGE = (McapError, ValueError, RuntimeError, struct.error)


class Record(NamedTuple):
    """A message as it lies in a bag."""

    topic: str
    msgtype: str
    log_ns: int
    data: bytes


class Salvage:
    """The readable part of MCAP files, in the order in which it lies there.

    `topics`, `counts` and `types` are as in BagReader; `note` says what each file lacks.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        """Read the files once to learn what is in them.

        Raises:
            BagError: nothing can be read from any of them.
        """
        self._files = [file for file in files if file.suffix == ".mcap"]
        self.topics: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.types: Typestore = get_typestore(Stores.EMPTY)
        losses: list[str] = []
        for file in self._files:
            for record in self._read(file, losses):
                self.counts[record.topic] += 1
        self.note = "; ".join(losses)
        if not self.topics:
            raise BagError(f"nothing can be read from {', '.join(map(str, files))}: {self.note}")

    def messages(self, topics: Collection[str] = ()) -> Iterator[Record]:
        """Yield the messages of some topics, or of all."""
        for file in self._files:
            for record in self._read(file, []):
                if not topics or record.topic in topics:
                    yield record

    def close(self) -> None:
        """Do nothing: files are open only while they are read."""

    def _read(self, file: Path, losses: list[str]) -> Iterator[Record]:
        schemas: dict[int, Schema] = {}
        channels: dict[int, Channel] = {}
        for record in _records(file, losses):
            if isinstance(record, Schema) and record.id not in schemas:
                schemas[record.id] = record
                self._learn(record)
            elif isinstance(record, Channel) and record.schema_id in schemas:
                channels[record.id] = record
                self.topics[record.topic] = schemas[record.schema_id].name
            elif isinstance(record, Message) and record.channel_id in channels:
                topic = channels[record.channel_id].topic
                yield Record(topic, self.topics[topic], record.log_time, record.data)

    def _learn(self, schema: Schema) -> None:
        if schema.encoding != "ros2msg" or schema.name in self.types.fielddefs:
            return
        with suppress(TypesysError, UnicodeDecodeError):  # then its messages stay bytes
            self.types.register(get_types_from_msg(schema.data.decode(), schema.name))


def _records(file: Path, losses: list[str]) -> Iterator[McapRecord]:
    """Yield the records of a file up to where it breaks off, leaving out damaged chunks."""
    ended = False
    bad_chunks = 0
    try:
        with file.open("rb") as stream:
            for record in StreamReader(stream, emit_chunks=True).records:
                ended = ended or isinstance(record, Footer)
                if not isinstance(record, Chunk):
                    yield record
                    continue
                try:
                    parts = breakup_chunk(record, validate_crc=True)
                except _DAMAGE:
                    bad_chunks += 1
                    continue
                yield from parts
    except _DAMAGE as error:
        if not ended:
            losses.append(f"{file.name} breaks off ({type(error).__name__})")
    except OSError as error:
        losses.append(f"{file.name} cannot be read ({error.strerror})")
    if bad_chunks:
        losses.append(f"{file.name} has {bad_chunks} damaged chunks, left out")
