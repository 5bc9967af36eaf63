"""The one field of a serialised message that is read and changed in place: its header's stamp."""

import struct

from vla_ros.core.errors import MessageError
from vla_ros.data.definitions import typestore

# A CDR message starts with four bytes, the second of which tells the byte order; a header that is
# the first field starts with its stamp: int32 seconds, uint32 nanoseconds.
_STAMP_AT = 4
_STAMP_END = 12


def has_header(msgtype: str) -> bool:
    """Return whether the first field of a type is a std_msgs/Header."""
    fields = typestore().fielddefs[msgtype][1]
    return bool(fields) and fields[0][1][1] == "std_msgs/msg/Header"


def stamp_ns(data: bytes) -> int:
    """Return the stamp of a serialised message that starts with a header."""
    seconds, nanoseconds = _layout(data).unpack(data[_STAMP_AT:_STAMP_END])
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def with_stamp(data: bytes, ns: int) -> bytes:
    """Return the message with another stamp."""
    stamp = _layout(data).pack(*divmod(ns, 1_000_000_000))
    return b"".join((data[:_STAMP_AT], stamp, data[_STAMP_END:]))


def _layout(data: bytes) -> struct.Struct:
    if len(data) < _STAMP_END:
        raise MessageError(f"a message of {len(data)} bytes has no header; {_STAMP_END} are needed")
    return struct.Struct("<iI" if data[1] & 1 else ">iI")
