"""Writes rosbag2 bags (MCAP) from a thread of its own, so that the caller never waits for a disk.

What was written stays readable when the process is killed: chunks are closed and handed to the
operating system every half second, and metadata.yaml names every file from its first byte on.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter

from vla_ros.core.errors import BagError, VlaError
from vla_ros.data import bag_metadata
from vla_ros.data.bag_metadata import FileEntry, Qos, TopicEntry
from vla_ros.data.definitions import definition

SPLIT_BYTES = 512 * 2**20
QUEUE_BYTES = 256 * 2**20
FLUSH_S = 0.5


Encode = Callable[[bytes], bytes]


class _Message(NamedTuple):
    topic: TopicEntry
    log_ns: int
    data: bytes


def _open_directory(path: Path) -> list[FileEntry]:
    """Make the directory; of a bag that was left open return the files."""
    try:
        path.mkdir(parents=True)
        return []
    except FileExistsError:
        known = bag_metadata.read(path)
        if known.files and bag_metadata.is_open(known):
            # A file that was made in the very moment of the kill is not listed yet.
            listed = {file.name for file in known.files}
            made = sorted(found.name for found in path.glob("*.mcap"))
            return [*known.files, *(FileEntry(name) for name in made if name not in listed)]
        raise BagError(f"{path} exists already; give a place that does not") from None
    except OSError as error:
        raise BagError(f"{path} cannot be made: {error.strerror}") from error


def _create(path: Path) -> BinaryIO:
    return path.open("xb")


class BagWriter:
    """A bag being written; a context manager that closes it.

    `bytes` counts what was written, `dropped` the messages that were not; `error` says why
    recording stopped (a full disk, say) and is empty while it goes on.
    """

    def __init__(
        self,
        path: Path,
        *,
        split_bytes: int = SPLIT_BYTES,
        queue_bytes: int = QUEUE_BYTES,
        custom: Mapping[str, str] | None = None,
        create: Callable[[Path], BinaryIO] = _create,
    ) -> None:
        """Make the directory `path` and start writing its first file.

        A bag whose recorder was killed is continued in a new file (`continued` tells).

        Args:
            path: the bag; one that was closed is not touched.
            split_bytes: a file that has grown past this is closed and the next one begun.
            queue_bytes: how much may wait for the disk before messages are dropped.
            custom: texts to keep in metadata.yaml.
            create: opens a new file for writing.

        Raises:
            BagError: the directory holds something else, or cannot be made.
        """
        self._files = _open_directory(path)
        self.continued = bool(self._files)
        self.path = path
        self.bytes = 0
        self.dropped = 0
        self.error = ""
        self._split_bytes = split_bytes
        self._queue_bytes = queue_bytes
        self._custom = {**(custom or {}), bag_metadata.STATE: bag_metadata.OPEN}
        self._create = create
        self._topics: dict[str, TopicEntry] = {}
        self._encoders: dict[str, Encode] = {}
        self._queue: deque[_Message] = deque()
        self._queued_bytes = 0
        self._stale = False
        self._closing = False
        lock = threading.Lock()
        self._wake, self._room = threading.Condition(lock), threading.Condition(lock)
        self._thread = threading.Thread(target=self._run, name="bag_writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> "BagWriter":
        """Return the writer."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bag."""
        self.close()

    def add_topic(
        self, name: str, msgtype: str, qos: Qos | None = None, *, encode: Encode | None = None
    ) -> None:
        """Announce a topic; a second time changes nothing.

        Args:
            name: of the topic.
            msgtype: as `package/msg/Name`.
            qos: how its publisher offers it.
            encode: makes of what is handed over what is written; runs in the writer's thread.

        Raises:
            BagError: the definition of the type is not known.
        """
        self.add(TopicEntry(name, msgtype, qos or Qos(), *definition(msgtype)), encode)

    def add(self, topic: TopicEntry, encode: Encode | None = None) -> None:
        """Announce a topic of any type, as it is defined somewhere else."""
        with self._wake:
            if topic.name not in self._topics:
                self._topics[topic.name] = topic
                if encode is not None:
                    self._encoders[topic.name] = encode
                self._stale = True

    def keep(self, name: str, text: str) -> None:
        """Keep a text in metadata.yaml, in the place of one of the same name."""
        with self._wake:
            if self._custom.get(name) != text:
                self._custom[name] = text
                self._stale = True

    def write(self, topic: str, data: bytes, log_ns: int, *, wait: bool = False) -> bool:
        """Hand over a serialised message; return whether it will be written.

        Args:
            topic: one that was announced.
            data: CDR, as ROS 2 sends it.
            log_ns: when it was received.
            wait: until the disk has caught up; else the message is dropped.
        """
        with self._wake:
            full = self._queued_bytes + len(data) > self._queue_bytes and self._queue
            while wait and full and not self.error:
                self._room.wait(FLUSH_S)
                full = self._queued_bytes + len(data) > self._queue_bytes and self._queue
            if self.error or self._closing or full:
                self.dropped += 1
                return False
            message = _Message(self._topics[topic], log_ns, data)
            self._queue.append(message)
            self._queued_bytes += len(data)
            self._wake.notify()
            return True

    def close(self) -> None:
        """Write what waits, the index and metadata.yaml; return when all is on its way."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    @property
    def written(self) -> int:
        """How many messages have been written."""
        return sum(file.count for file in self._files)

    def _run(self) -> None:
        file: _File | None = None
        try:
            file = self._next_file()
            while message := self._take(file):
                self._write(file, message)
                if file.size >= self._split_bytes:
                    file.finish()
                    file = self._next_file()
                file.flush_if_due()
            file.finish()
            self._custom[bag_metadata.STATE] = bag_metadata.CLOSED
            self._refresh()
        except Exception as error:  # whatever it is, it must not reach the graph
            self._fail(error)
            if file is not None:
                file.abandon()

    def _write(self, file: "_File", message: _Message) -> None:
        encode = self._encoders.get(message.topic.name)
        if encode is not None:
            try:
                message = message._replace(data=encode(message.data))
            except (VlaError, ValueError):  # one bad image does not end the recording
                with self._wake:
                    self.dropped += 1
                return
        file.write(message)
        self.bytes += len(message.data)

    def _take(self, file: "_File") -> _Message | None:
        """Wait for the next message and return it; None when the bag is to be closed."""
        while True:
            with self._wake:
                if not self._queue and not self._closing:
                    self._wake.wait(FLUSH_S)
                message = self._queue.popleft() if self._queue else None
                self._queued_bytes -= len(message.data) if message else 0
                self._room.notify()
                stale, self._stale = self._stale, False
                closing = self._closing
            if stale:
                self._refresh()
            if message or closing:
                return message
            file.flush_if_due()

    def _next_file(self) -> "_File":
        entry = FileEntry(f"{self.path.name}_{len(self._files)}.mcap")
        file = _File(self._create(self.path / entry.name), entry)
        self._files.append(entry)
        self._refresh()
        return file

    def _refresh(self) -> None:
        with self._wake:
            topics, custom = list(self._topics.values()), dict(self._custom)
        bag_metadata.write(self.path, self._files, topics, custom)

    def _fail(self, error: Exception) -> None:
        with self._wake:
            self.error = f"{type(error).__name__}: {error}"
            self.dropped += len(self._queue)
            self._queue.clear()
            self._queued_bytes = 0
            self._room.notify()


class _File:
    """One MCAP file of the bag."""

    def __init__(self, stream: BinaryIO, entry: FileEntry) -> None:
        self._stream = stream
        self._entry = entry
        self._mcap = McapWriter(stream, compression=CompressionType.NONE)
        self._mcap.start(profile="ros2", library="vla_ros")
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        self._flushed_s = time.monotonic()
        self.size = 0
        self._mcap.flush()

    def write(self, message: _Message) -> None:
        topic = message.topic
        channel = self._channels.get(topic.name)
        if channel is None:
            channel = self._add_channel(topic)
        self._mcap.add_message(channel, message.log_ns, message.data, message.log_ns, topic.count)
        topic.count += 1
        self._entry.add(message.log_ns)
        self.size += len(message.data)

    def flush_if_due(self) -> None:
        now_s = time.monotonic()
        if now_s - self._flushed_s >= FLUSH_S:
            self._mcap.flush()
            self._flushed_s = now_s

    def finish(self) -> None:
        self._mcap.finish()
        self._stream.close()

    def abandon(self) -> None:
        with suppress(OSError):  # what is still in the buffer has nowhere to go
            self._stream.close()

    def _add_channel(self, topic: TopicEntry) -> int:
        schema = self._schemas.get(topic.msgtype)
        if schema is None:
            text = topic.definition.encode()
            schema = self._mcap.register_schema(topic.msgtype, topic.encoding, text)
            self._schemas[topic.msgtype] = schema
        about = {"offered_qos_profiles": topic.qos.as_yaml(), "topic_type_hash": topic.type_hash}
        channel = self._mcap.register_channel(topic.name, "cdr", schema, about)
        self._channels[topic.name] = channel
        return channel
