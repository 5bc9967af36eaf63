"""Which topics of a bag are a policy's inputs, and whether all are there."""

from collections.abc import Mapping
from dataclasses import dataclass

from vla_ros.core.errors import BagError, ParameterError
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.playback import IMAGES, INSTRUCTION, cameras

_TYPES = {
    "sensor": ("vla_ros/msg/SensorSamples", "geometry_msgs/msg/WrenchStamped"),
    "joint_states": ("sensor_msgs/msg/JointState",),
    "ee_pose": ("geometry_msgs/msg/PoseStamped",),
    "instruction": (INSTRUCTION,),
}
_FEATURES = "vla_ros/msg/VlFeatures"


@dataclass(frozen=True, slots=True)
class InputTopics:
    """The topics of a replay; an empty text where the bag has none."""

    views: Mapping[str, str]  # image topic -> view, in the order in which the model sees them
    sensor: str
    joint_states: str
    ee_pose: str
    instruction: str

    def all(self) -> list[str]:
        """Return the topics that there are."""
        others = (self.sensor, self.joint_states, self.ee_pose, self.instruction)
        return [topic for topic in (*self.views, *others) if topic]


def find_inputs(
    bag: BagReader, used: tuple[str, ...], views: int, most_views: int, named: Mapping[str, str]
) -> InputTopics:
    """Find a policy's inputs in a bag.

    A topic is known by the end of its name, so namespaces do not matter; cameras are taken in the
    order of their names.

    Args:
        bag: with at least one message of each.
        used: what the policy looks at beside images: "sensor", "robot_states".
        views: how many cameras; 0: as many as there are, up to `most_views`.
        most_views: how many the policy was made for.
        named: topics by their role (a view's name, sensor, joint_states, ee_pose, instruction);
            where views are named, these are all and in this order.

    Raises:
        BagError: an input is missing; says which, and what to do.
        ParameterError: a named topic is not in the bag or not of its role's type, or there are
            more views than the policy takes.
    """
    for role, topic in named.items():
        _check(bag, role, topic)
    views_of = _views(bag, named)
    wanted = max(views, len(_named_views(named)))
    if wanted > most_views:
        raise ParameterError(f"{wanted} views; the checkpoint was made for {most_views}")
    found = {role: named.get(role) or _find(bag, role) for role in _TYPES}
    chosen = dict(list(views_of.items())[: views or most_views])
    missing = _missing(found, chosen, used, views)
    if missing:
        raise BagError(f"{bag.path} lacks {'; '.join(missing)}. It has: {', '.join(_alive(bag))}")
    return InputTopics(chosen, **found)


def first_instruction(bag: BagReader, default: str) -> str:
    """Return the text of the bag's first features, else `default`."""
    topics = [topic for topic, msgtype in bag.topics.items() if msgtype == _FEATURES]
    for record in bag.messages(topics) if topics else ():
        return str(bag.decode(record).instruction)
    return default


def _alive(bag: BagReader) -> list[str]:
    """Return the topics with messages."""
    return [topic for topic in bag.topics if bag.counts[topic]]


def _check(bag: BagReader, role: str, topic: str) -> None:
    allowed = _TYPES.get(role, IMAGES)
    if topic not in _alive(bag):
        raise ParameterError(f"topic {role}={topic}; {bag.path} has {', '.join(_alive(bag))}")
    if bag.topics[topic] not in allowed:
        raise ParameterError(
            f"topic {role}={topic} is a {bag.topics[topic]}; {' or '.join(allowed)} is allowed"
        )


def _named_views(named: Mapping[str, str]) -> dict[str, str]:
    return {topic: role for role, topic in named.items() if role not in _TYPES}


def _views(bag: BagReader, named: Mapping[str, str]) -> dict[str, str]:
    """Return the image topics with their views; of a camera's raw and compressed ones the raw."""
    if given := _named_views(named):
        return given
    images = {topic: bag.topics[topic] for topic in _alive(bag) if bag.topics[topic] in IMAGES}
    return {topic: view for view, topic in cameras(images).items()}


def _find(bag: BagReader, role: str) -> str:
    topics = [t for t in _alive(bag) if f"/{t}".endswith(f"/{role}")]
    fitting = sorted(topic for topic in topics if bag.topics[topic] in _TYPES[role])
    if len(fitting) > 1:
        raise BagError(f"{role} may be {' or '.join(fitting)}; choose with --topics {role}=TOPIC")
    return fitting[0] if fitting else ""


def _missing(
    found: Mapping[str, str], chosen: Mapping[str, str], used: tuple[str, ...], views: int
) -> list[str]:
    """Say what is not there and what helps."""
    missing = []
    name_it = "--topics {0}=TOPIC if it has another name"
    if len(chosen) < max(views, 1):
        kinds = " or ".join(kind.rpartition("/")[2] for kind in IMAGES)
        missing.append(
            f"images ({len(chosen)} {kinds} topics, {max(views, 1)} needed; record with "
            "record_inputs:=true)"
        )
    if "sensor" in used and not found["sensor"]:
        missing.append(f"sensor (--no-sensor, or {name_it.format('sensor')})")
    for role in ("joint_states", "ee_pose"):
        if "robot_states" in used and not found[role]:
            missing.append(f"{role} (--no-robot-states, or {name_it.format(role)})")
    return missing
