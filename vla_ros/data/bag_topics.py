"""What the files of a bag consist of, whatever their format: topics, messages, types."""

import struct
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from rosbags.serde import SerdeError
from rosbags.typesys import (
    Stores,
    TypesysError,
    get_types_from_idl,
    get_types_from_msg,
    get_typestore,
)

from vla_ros.core.errors import BagError
from vla_ros.data.definitions import typestore

# Parts of a definition that was written in IDL are headed so.
_IDL_PART = "=" * 80 + "\nIDL: "
_NOT_OF_ITS_TYPE = (
    *(SerdeError, ValueError, IndexError, AssertionError),
    *(struct.error, UnicodeDecodeError, MemoryError),
)


class Record(NamedTuple):
    """A message as it lies in a bag."""

    topic: str
    msgtype: str
    log_ns: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as its recorder described it; texts are empty where the format has none."""

    name: str
    msgtype: str
    definition: str = ""
    encoding: str = "ros2msg"
    qos: str = ""
    type_hash: str = ""


class BagFile(Protocol):
    """One file of a bag.

    `note` says what it lacks and is empty when it is whole; `counts` are messages by topic.
    """

    topics: list[Topic]
    counts: Counter[str]
    note: str

    def messages(self, topics: Collection[str]) -> Iterator[Record]:
        """Yield the messages of some topics in the order of their receipt, or raise BagError."""

    def close(self) -> None:
        """Close the file."""


class BagTypes:
    """The message types of a bag: as it defines them, else as ROS 2 Jazzy and this package do."""

    def __init__(self, topics: Collection[Topic]) -> None:
        """Learn the definitions; of a type whose definition makes no sense only ours is known."""
        self._own = get_typestore(Stores.EMPTY)
        for topic in topics:
            if topic.definition and topic.msgtype not in self._own.fielddefs:
                with suppress(TypesysError, AssertionError, ValueError):
                    self._own.register(_parse(topic))

    def decode(self, record: Record) -> Any:
        """Return a message with the fields of its type.

        Raises:
            BagError: the type has no definition, or the bytes are not of that type.
        """
        name = record.msgtype
        store = self._own if name in self._own.fielddefs else typestore()
        if name not in store.fielddefs:
            raise BagError(f"{record.topic} is of type {name}, which the bag does not define")
        try:
            return store.deserialize_cdr(record.data, name)
        except _NOT_OF_ITS_TYPE as error:
            raise BagError(f"a message on {record.topic} is no {name}: {error!r}") from error


def _parse(topic: Topic) -> Any:
    if topic.encoding == "ros2msg":
        return get_types_from_msg(topic.definition, topic.msgtype)
    types: dict[str, Any] = {}
    for part in topic.definition.split(_IDL_PART):
        text = part.partition("\n")[2] if _IDL_PART in topic.definition else part
        types.update(get_types_from_idl(text) if text.strip() else {})
    return types
