"""One SQLite file of a bag (.db3), the default format of ROS 2 up to Humble."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from vla_ros.core.errors import BagError
from vla_ros.data.bag_topics import Record, Topic

MAGIC = b"SQLite format 3\0"


class SqliteFile:
    """An SQLite file open for reading, as a BagFile."""

    def __init__(self, path: Path, *, check: bool = False) -> None:
        """Open it. One that is cut off, or any if `check`, is read once and damage left out.

        Raises:
            BagError: it is no bag, or the table of topics is damaged.
        """
        self._path = path
        # What a recorder that was killed left in its write-ahead log is read along.
        self._logged = path.with_name(path.name + "-wal").exists()
        mode = "mode=ro" if self._logged else "immutable=1"
        self._base = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)
        self._base.text_factory = lambda text: text.decode(errors="replace")
        self.note = ""
        try:
            self._base.execute("PRAGMA writable_schema=ON")  # opens a file that lacks its end
            self._topics = self._read_topics()
        except (sqlite3.Error, TypeError, ValueError) as error:
            self._base.close()
            raise BagError(f"{path.name} is no bag that can be read: {error}") from error
        self.topics = list(self._topics.values())
        self.counts: Counter[str] = Counter()
        self._keys: list[int] | None = None
        if check or self._is_short() or not self._count():
            self._keys = self._sound()

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def messages(self, topics: Collection[str]) -> Iterator[Record]:
        """Yield the messages of some topics in the order of their receipt.

        Raises:
            BagError: the file is damaged.
        """
        wanted = {key: topic for key, topic in self._topics.items() if topic.name in topics}
        marks = ",".join("?" * len(wanted))
        rows: Iterable[Any]
        every = f"SELECT topic_id, timestamp, data FROM messages WHERE topic_id IN ({marks})"
        try:
            if self._keys is None:
                rows = self._base.execute(f"{every} ORDER BY timestamp, id", list(wanted))
            else:
                rows = (row for key in self._keys for row in self._row(key))
            for key, log_ns, data in rows:
                if key in wanted:
                    yield Record(wanted[key].name, wanted[key].msgtype, log_ns, data)
        except sqlite3.Error as error:
            raise BagError(
                f"{self._path.name} is damaged ({error}); bag-recover leaves that part out"
            ) from error

    def _read_topics(self) -> dict[int, Topic]:
        columns = {row[1] for row in self._base.execute("PRAGMA table_info(topics)")}
        if not {"id", "name", "type"} <= columns:
            raise ValueError("it has no table of topics")
        definitions: dict[str, tuple[str, str]] = {}
        with suppress(sqlite3.Error):  # before Iron there was none
            query = "SELECT topic_type, encoded_message_definition, encoding"
            for name, text, kind in self._base.execute(f"{query} FROM message_definitions"):
                definitions[name] = (text, kind)
        qos = "offered_qos_profiles" if "offered_qos_profiles" in columns else "''"
        rows = self._base.execute(f"SELECT id, name, type, {qos} FROM topics ORDER BY id")
        return {
            key: Topic(name, kind, *definitions.get(kind, ("", "ros2msg")), qos=profiles)
            for key, name, kind, profiles in rows
        }

    def _is_short(self) -> bool:
        [pages], [size] = (
            self._base.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size")
        )
        with self._path.open("rb") as file:  # what the header says, for the pragma may not
            pages = max(pages, int.from_bytes(file.read(32)[28:], "big"))
        return bool(pages * size > self._path.stat().st_size) and not self._logged

    def _count(self) -> bool:
        """Count the messages by topic; return whether the file allowed it."""
        try:
            rows = self._base.execute("SELECT topic_id, count(*) FROM messages GROUP BY topic_id")
            for key, count in rows.fetchall():
                if key in self._topics:
                    self.counts[self._topics[key].name] += count
        except sqlite3.Error:
            return False
        return True

    def _sound(self) -> list[int]:
        """Return the keys of the messages that can be read, having counted them."""
        keys, broken = self._find_keys()
        sound: dict[int, int] = {}
        self.counts.clear()
        for key in keys:
            for topic, log_ns, _ in self._row(key):
                if topic in self._topics:
                    sound[key] = log_ns
                    self.counts[self._topics[topic].name] += 1
        lost = len(keys) - len(sound)
        if broken or lost:
            self.note = f"{self._path.name} is damaged: {len(sound)} messages can be read"
            self.note += f", {lost} of those that are listed cannot" if lost else ""
        return sorted(sound, key=lambda key: (sound[key], key))

    def _find_keys(self) -> tuple[list[int], bool]:
        """Return the messages' keys, from both ends up to where the table is broken; if it is."""
        keys: dict[int, None] = {}
        for direction in ("ASC", "DESC"):
            query = f"SELECT id FROM messages NOT INDEXED ORDER BY id {direction}"
            with suppress(sqlite3.Error):
                for (key,) in self._base.execute(query):
                    if direction == "DESC" and key in keys:
                        break
                    keys[key] = None
                if direction == "ASC":
                    return list(keys), self._is_short()
        return list(keys), True

    def _row(self, key: int) -> list[Any]:
        query = "SELECT topic_id, timestamp, data FROM messages WHERE id = ?"
        with suppress(sqlite3.Error):
            return self._base.execute(query, [key]).fetchall()
        return []
