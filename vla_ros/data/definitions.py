"""Message definitions without ROS: what a bag must carry to be readable anywhere."""

from functools import cache
from pathlib import Path

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from vla_ros.core.errors import BagError
from vla_ros.data.share import PACKAGE, share_file


@cache
def typestore() -> Typestore:
    """Return the types of ROS 2 Jazzy and of this package, ready to (de)serialise CDR."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for path in _message_files():
        types.update(get_types_from_msg(path.read_text(), f"{PACKAGE}/msg/{path.stem}"))
    store.register(types)
    return store


@cache
def definition(msgtype: str) -> tuple[str, str]:
    """Return the text of a message type with all that it contains, and its type hash.

    Args:
        msgtype: as `package/msg/Name`.

    Raises:
        BagError: the type is not known.
    """
    store = typestore()
    if msgtype not in store.fielddefs:
        raise BagError(
            f"the definition of {msgtype} is not known; known are the common messages of ROS 2 "
            f"Jazzy and those of {PACKAGE}"
        )
    return store.generate_msgdef(msgtype, ros_version=2)[0], store.hash_rihs01(msgtype)


def _message_files() -> list[Path]:
    """Find this package's .msg files."""
    return sorted(share_file("msg/VlFeatures.msg").parent.glob("*.msg"))
