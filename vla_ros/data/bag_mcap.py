"""One MCAP file: through its index, or record by record where that is damaged or was never written.

The format is https://mcap.dev/spec. A chunk is read, checked and handed on before the next one is
touched, so no more of the file is in memory than chunks that overlap in time.
"""

import os
import struct
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import lz4.frame
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, Schema
from mcap.stream_reader import MAGIC_SIZE

from vla_ros.core.errors import BagError
from vla_ros.data.bag_topics import Record, Topic

MAGIC = b"\x89MCAP0\r\n"
_RECORD = struct.Struct("<BQ")  # opcode, length
_MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, log time, publish time
_CHUNK = struct.Struct("<QQQII")  # first and last log time, size, crc, length of the next text
# What is raised by bytes that are not what they should be. RuntimeError: lz4.
_DAMAGE = (
    *(McapError, zstandard.ZstdError, struct.error),
    *(ValueError, RuntimeError, MemoryError, OverflowError),
)
# Messages outside of chunks are taken together up to so many bytes.
_RUN_BYTES = 4 << 20
_LAST_OPCODE = 0x0F


class _Region(NamedTuple):
    """A part of the file that holds messages: a chunk's content, or records without a chunk."""

    start_ns: int
    offset: int
    length: int
    chunk: bool
    channels: frozenset[int] = frozenset()  # that are in it; empty: not known


class _Entry(NamedTuple):
    log_ns: int
    channel: int
    data: memoryview


class McapFile:
    """An MCAP file open for reading, as a BagFile."""

    def __init__(self, path: Path, *, check: bool = False) -> None:
        """Open it. Without an index, or if `check`, all of it is read once and damage left out.

        Raises:
            OSError: it cannot be read at all.
        """
        self._path = path
        self._file = path.open("rb", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size
        self._channels: dict[int, Topic] = {}
        self._schemas: dict[int, Schema] = {}
        self._left_out: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        losses: list[str] = []
        regions = self._index()
        if regions is None or check:
            self.counts.clear()
            regions = self._sound(self._walk(losses) if regions is None else regions, losses)
        self._regions = sorted(regions)
        self.topics = list(self._channels.values())
        losses += [f"{name} is left out ({why})" for name, why in self._left_out.items()]
        self.note = "; ".join(f"{path.name} {loss}" for loss in losses)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def messages(self, topics: Collection[str]) -> Iterator[Record]:
        """Yield the messages of some topics in the order of their receipt.

        Raises:
            BagError: a chunk is damaged.
        """
        wanted = {key: topic for key, topic in self._channels.items() if topic.name in topics}
        waiting: list[_Entry] = []  # in order; later chunks may hold what comes before them
        for region in self._regions if wanted else ():
            if region.channels and region.channels.isdisjoint(wanted):
                continue
            ready = bisect_left(waiting, region.start_ns, key=_log_ns)
            yield from _records(waiting[:ready], wanted)
            try:
                entries = [e for e in self._entries(region) if e.channel in wanted]
            except (*_DAMAGE, OSError) as error:
                raise BagError(
                    f"{self._path.name} is damaged at byte {region.offset} ({error}); "
                    "bag-recover leaves that part out"
                ) from error
            waiting = sorted(waiting[ready:] + entries, key=_log_ns)
        yield from _records(waiting, wanted)

    def _index(self) -> list[_Region] | None:
        """Return the chunks that the index at the file's end names; None if there is none."""
        try:
            with self._path.open("rb") as stream:
                summary = SeekingReader(stream).get_summary()
        except (*_DAMAGE, OSError):
            return None
        if summary is None or summary.statistics is None:
            return None
        statistics = summary.statistics
        unindexed = statistics.message_count and not summary.chunk_indexes
        if unindexed or any(c.schema_id not in summary.schemas for c in summary.channels.values()):
            return None
        self._schemas.update(summary.schemas)
        for channel in summary.channels.values():
            self._learn(channel)
        for key, count in statistics.channel_message_counts.items():
            if key in self._channels:
                self.counts[self._channels[key].name] += count
        head = _RECORD.size
        return [
            _Region(
                start_ns=chunk.message_start_time,
                offset=chunk.chunk_start_offset + head,
                length=chunk.chunk_length - head,
                chunk=True,
                channels=frozenset(chunk.message_index_offsets),
            )
            for chunk in summary.chunk_indexes
        ]

    def _sound(self, regions: Iterable[_Region], losses: list[str]) -> list[_Region]:
        """Return the regions that can be read, having counted their messages."""
        sound, bad = [], 0
        for region in regions:
            try:
                entries = list(self._entries(region))
            except (*_DAMAGE, OSError):
                bad += 1
                continue
            known = [entry for entry in entries if entry.channel in self._channels]
            self.counts.update(self._channels[entry.channel].name for entry in known)
            if known:  # a run of messages without a chunk does not say when it starts
                sound.append(region._replace(start_ns=min(map(_log_ns, known))))
        if bad:
            losses.append(f"has {bad} damaged chunks, left out")
        return sound

    def _walk(self, losses: list[str]) -> Iterator[_Region]:
        """Yield the regions as they lie in the file, up to where it breaks off."""
        at, run_at = MAGIC_SIZE, MAGIC_SIZE
        whole = False
        while at + _RECORD.size <= self._size:
            opcode, length = _RECORD.unpack(self._read(at, _RECORD.size))
            end = at + _RECORD.size + length
            loose = opcode in (Opcode.MESSAGE, Opcode.SCHEMA, Opcode.CHANNEL)
            cut = opcode == 0 or end > self._size
            if at > run_at and (not loose or cut or at - run_at > _RUN_BYTES):
                yield _Region(0, run_at, at - run_at, False)
                run_at = at
            if cut or opcode == Opcode.FOOTER:
                whole = opcode == Opcode.FOOTER and end + MAGIC_SIZE <= self._size
                break
            if opcode == Opcode.CHUNK:
                yield _Region(0, at + _RECORD.size, length, True)
            at = end
            run_at = run_at if loose else end
        else:
            if at > run_at:
                yield _Region(0, run_at, at - run_at, False)
        if not whole:
            size = f" of {self._size}" if at < self._size else ""
            losses.append(f"breaks off at byte {at}{size}: it was not closed")

    def _entries(self, region: _Region) -> Iterator[_Entry]:
        """Yield the messages of a region as they lie in it."""
        body = memoryview(self._read(region.offset, region.length))
        if region.chunk:
            body = _unpacked(body)
        at = 0
        while at < len(body):
            opcode, length = _RECORD.unpack_from(body, at)
            at += _RECORD.size
            end = at + length
            if end > len(body) or not 0 < opcode <= _LAST_OPCODE:
                raise ValueError(f"a record of type {opcode} and {length} bytes")
            if opcode == Opcode.MESSAGE:
                channel, _, log_ns, _ = _MESSAGE.unpack_from(body, at)
                yield _Entry(log_ns, channel, body[at + _MESSAGE.size : end])
            elif opcode == Opcode.SCHEMA:
                schema = Schema.read(ReadDataStream(BytesIO(body[at:end])))
                self._schemas.setdefault(schema.id, schema)
            elif opcode == Opcode.CHANNEL:
                self._learn(Channel.read(ReadDataStream(BytesIO(body[at:end]))))
            at = end

    def _learn(self, channel: Channel) -> None:
        schema = self._schemas.get(channel.schema_id)
        if schema is None or channel.message_encoding != "cdr":
            self._left_out[channel.topic] = f"its messages are {channel.message_encoding!r}, no cdr"
            return
        about = channel.metadata
        self._channels[channel.id] = Topic(
            name=channel.topic,
            msgtype=schema.name,
            definition=schema.data.decode(errors="replace"),
            encoding=schema.encoding,
            qos=about.get("offered_qos_profiles", ""),
            type_hash=about.get("topic_type_hash", ""),
        )

    def _read(self, offset: int, length: int) -> bytes:
        if offset + length > self._size:
            raise ValueError(f"{length} bytes at {offset} of {self._size}")
        return os.pread(self._file.fileno(), length, offset)


def _log_ns(entry: _Entry) -> int:
    return entry.log_ns


def _records(entries: Sequence[_Entry], topics: Mapping[int, Topic]) -> Iterator[Record]:
    for log_ns, channel, data in entries:
        topic = topics[channel]
        yield Record(topic.name, topic.msgtype, log_ns, bytes(data))


def _unpacked(chunk: memoryview) -> memoryview:
    """Return the records in a chunk, decompressed and checked."""
    _, _, size, checksum, length = _CHUNK.unpack_from(chunk)
    start = _CHUNK.size + length
    compression = bytes(chunk[_CHUNK.size : start])
    packed = chunk[start + 8 :]  # its length stands before it
    body: bytes | memoryview
    if compression == b"":
        body = packed
    elif compression == b"zstd":
        body = zstandard.decompress(packed, max_output_size=size)
    elif compression == b"lz4":
        body = lz4.frame.decompress(packed)
    else:
        raise ValueError(f"compression {compression!r}; zstd and lz4 are allowed")
    if len(body) != size or (checksum and crc32(body) != checksum):
        raise ValueError("its checksum does not match")
    return memoryview(body)
