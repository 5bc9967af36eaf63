"""Turns a bag into episode folders, one for each instruction."""

import json
import shutil
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from vla_ros.core.errors import BagError, MessageError
from vla_ros.data.bag_reader import BagReader, Record
from vla_ros.data.episode_samples import EpisodeError
from vla_ros.data.episode_topics import EpisodeTopics, find_topics
from vla_ros.data.episode_writer import EpisodeWriter

_FEATURES = "vla_ros/msg/VlFeatures"

Progress = Callable[[int, int], None]


def export_episodes(
    path: Path, out: Path, *, png: bool = False, progress: Progress = lambda done, whole: None
) -> list[str]:
    """Turn a bag into `out`/episode_000, episode_001 ...; return what is to be said about it.

    A bag that is damaged is read as far as it goes. Nothing is left where an error ends it.

    Args:
        path: the bag.
        out: a folder that does not exist yet.
        png: write raw images as PNG, which loses nothing, instead of JPEG.
        progress: is called now and then with messages done and messages in all.

    Raises:
        BagError: there is no bag, or nothing of it can be read.
        EpisodeError: `out` exists, or the bag has no images.
    """
    if out.exists():
        raise EpisodeError(f"{out} exists already; give a place that does not")
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        try:
            notes = _export(path, unfinished, png, progress, salvage=False)
        except BagError:
            shutil.rmtree(unfinished, ignore_errors=True)
            notes = _export(path, unfinished, png, progress, salvage=True)
        unfinished.rename(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return notes


def _export(path: Path, out: Path, png: bool, progress: Progress, *, salvage: bool) -> list[str]:
    with BagReader(path, salvage=salvage) as bag:
        topics = find_topics(bag)
        export = _Export(bag, topics, out, png)
        whole = sum(bag.counts[topic] for topic in topics.role_of())
        for done, record in enumerate(bag.messages(topics.role_of())):
            export.take(record)
            if done % 50 == 0:
                progress(done, whole)
        export.close()
        progress(whole, whole)
        return [note for note in (bag.note, *topics.notes, *export.notes()) if note]


class _Export:
    """Hands each message to the episode of the instruction that held when it was received."""

    def __init__(self, bag: BagReader, topics: EpisodeTopics, out: Path, png: bool) -> None:
        self._bag, self._topics, self._out, self._png = bag, topics, out, png
        self._role_of = topics.role_of()
        self._configuration = json.loads(bag.custom.get("configuration") or "{}")
        started_with = self._configuration.get("arguments", {}).get("instruction", "")
        role = topics.roles.get("instruction", "")
        self._instructions = _instructions(bag, role, started_with)
        self._starts = [log_ns for log_ns, _ in self._instructions]
        self._at = 0
        self._refused: Counter[str] = Counter()
        self._empty = 0
        self.written = 0
        self._episode = self._begin()

    def take(self, record: Record) -> None:
        at = max(bisect_right(self._starts, record.log_ns) - 1, 0)
        if at > self._at:
            self.close()
            self._at = at
            self._episode = self._begin()
        kind, name = self._role_of[record.topic]
        try:
            self._episode.take(kind, name, record, self._bag.decode(record))
        except (BagError, MessageError) as error:
            self._refused[f"{record.topic}: {error}"] += 1

    def close(self) -> None:
        if self._episode.images:
            self._episode.close(self._topics)
            self.written += 1
        else:
            self._empty += 1

    def notes(self) -> list[str]:
        """Say what was left out; raise EpisodeError if that is everything."""
        if not self.written:
            raise EpisodeError(
                f"{self._bag.path}: no image can be read: {', '.join(self._refused)}"
            )
        notes = [f"{count} messages left out, {why}" for why, count in self._refused.items()]
        if self._empty:
            notes.append(f"{self._empty} instructions had no image and make no episode")
        return notes

    def _begin(self) -> EpisodeWriter:
        about = {
            "instruction": self._instructions[self._at][1] if self._instructions else "",
            "model_id": self._bag.custom.get("model_id", ""),
            "configuration": self._configuration,
            "source": {"bag": self._bag.path.absolute().as_posix(), "segment": self._at},
        }
        return EpisodeWriter(self._out / f"episode_{self.written:03d}", about, self._png)


def _instructions(bag: BagReader, topic: str, started_with: str) -> list[tuple[int, str]]:
    """Return each instruction with the time of its receipt; none twice in a row.

    Before the first message on the topic it is what the first features were made with, or what the
    run was started with.
    """
    features = [name for name, kind in bag.topics.items() if kind == _FEATURES]
    first = next(_texts(bag, features, "instruction"), None)
    found = list(_texts(bag, [topic] if topic else [], "data"))
    if first is not None and (not found or first[0] < found[0][0]):
        found.insert(0, first)
    elif not found and started_with:
        found = [(0, started_with)]
    pairs = zip([(0, None), *found], found, strict=False)
    return [this for before, this in pairs if before[1] != this[1]]


def _texts(bag: BagReader, topics: list[str], field: str) -> Iterator[tuple[int, str]]:
    """Yield a field of the messages on some topics with the time of their receipt."""
    for record in bag.messages(topics) if topics else ():
        with suppress(BagError):
            yield record.log_ns, str(getattr(bag.decode(record), field))
