"""Writes a whole bag out of what a damaged one still holds."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vla_ros.core.errors import BagError
from vla_ros.data import bag_metadata
from vla_ros.data.bag_metadata import Qos, TopicEntry
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.bag_topics import Topic
from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.definitions import definition

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of a bag.

    Attributes:
        note: how it was damaged; empty for a whole one, of which nothing is written.
        counts: messages that were recovered, by topic.
        lost: messages that the bag lists and that cannot be read, by topic; those that were never
            listed, as after a kill, are not in it.
        left_out: topics that cannot be written, and why.
    """

    note: str
    counts: Mapping[str, int]
    lost: Mapping[str, int]
    left_out: Mapping[str, str]


def recover(path: Path, out: Path, *, progress: Progress = lambda done, whole: None) -> Recovery:
    """Write the readable part of the bag at `path` as a new bag `out`; `path` is not touched.

    Raises:
        BagError: there is no bag, nothing of it can be read, or `out` exists or cannot be written.
    """
    if out.exists():
        raise BagError(f"{out} exists already; give a place that does not")
    listed = _listed(path)
    with BagReader(path, salvage=True) as bag:
        lost = {topic: count - bag.counts[topic] for topic, count in listed.items()}
        lost = {topic: count for topic, count in lost.items() if count > 0}
        if not bag.note and not lost:
            return Recovery("", dict(bag.counts), {}, {})
        entries, left_out = _entries(bag)
        unfinished = out.with_name(f".{out.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            _copy(bag, unfinished / out.name, entries, progress)
            (unfinished / out.name).rename(out)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        counts = {topic: count for topic, count in bag.counts.items() if topic in entries}
        return Recovery(bag.note, counts, lost, left_out)


def _listed(path: Path) -> Mapping[str, int]:
    """Return how many messages the bag's own index promises."""
    try:
        with BagReader(path) as bag:
            return bag.counts
    except BagError:
        return {}


def _entries(bag: BagReader) -> tuple[dict[str, TopicEntry], dict[str, str]]:
    """Return what is to be written of each topic, and why some cannot be."""
    entries, left_out = {}, {}
    for topic in bag.described:
        try:
            entries[topic.name] = _entry(topic)
        except BagError as error:
            left_out[topic.name] = str(error)
    if not entries:
        raise BagError(f"no topic of {bag.path} can be written: {'; '.join(left_out.values())}")
    return entries, left_out


def _entry(topic: Topic) -> TopicEntry:
    """Describe a topic as its recorder did; where it did not, with the definition we know."""
    text, type_hash = topic.definition, topic.type_hash
    if not text:
        text, type_hash = definition(topic.msgtype)
    qos = Qos.from_yaml(topic.qos)
    return TopicEntry(topic.name, topic.msgtype, qos, text, type_hash, topic.encoding)


def _copy(bag: BagReader, out: Path, entries: Mapping[str, TopicEntry], progress: Progress) -> None:
    custom = {name: text for name, text in bag.custom.items() if name != bag_metadata.STATE}
    custom["recovered_from"] = str(bag.path.absolute())
    whole = sum(bag.counts[topic] for topic in entries)
    with BagWriter(out, custom=custom) as writer:
        for entry in entries.values():
            writer.add(entry)
        for done, record in enumerate(bag.messages(entries), 1):
            writer.write(record.topic, record.data, record.log_ns, wait=True)
            progress(done, whole)
    if writer.error:
        raise BagError(f"{out} cannot be written: {writer.error}")
