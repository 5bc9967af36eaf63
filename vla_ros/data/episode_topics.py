"""Which topics of a bag make up an episode."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vla_ros.data.bag_images import COMPRESSED, IMAGE
from vla_ros.data.bag_reader import BagReader
from vla_ros.data.episode_samples import EpisodeError
from vla_ros.data.playback import INSTRUCTION, cameras

JOINTS, POSE = "sensor_msgs/msg/JointState", "geometry_msgs/msg/PoseStamped"
SAMPLES, WRENCH = "vla_ros/msg/SensorSamples", "geometry_msgs/msg/WrenchStamped"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
TYPES: Mapping[str, tuple[str, ...]] = {
    "instruction": (INSTRUCTION,),
    "sensor": (SAMPLES, WRENCH),
    "joint_states": (JOINTS,),
    "ee_pose": (POSE,),
}


@dataclass(frozen=True, slots=True)
class EpisodeTopics:
    """The inputs in a bag by their role.

    Attributes:
        views: by name.
        infos: the camera_info topics, by view.
        roles: instruction, sensor, joint_states, ee_pose, as far as there are any.
        notes: what was left out, and why.
    """

    views: Mapping[str, str]
    infos: Mapping[str, str]
    roles: Mapping[str, str]
    notes: list[str] = field(default_factory=list)

    def role_of(self) -> dict[str, tuple[str, str]]:
        """Return what each topic is: (kind, name), as in ("view", "camera_1")."""
        found = {topic: ("view", view) for view, topic in self.views.items()}
        found |= {topic: ("info", view) for view, topic in self.infos.items()}
        return found | {topic: (role, role) for role, topic in self.roles.items()}


def find_topics(bag: BagReader) -> EpisodeTopics:
    """Find the inputs in a bag: images by their type, others by the end of their name and type.

    Raises:
        EpisodeError: there are no images.
    """
    alive = {topic: kind for topic, kind in bag.topics.items() if bag.counts[topic]}
    views = cameras(alive)
    if not views:
        found = ", ".join(f"{topic} ({kind})" for topic, kind in alive.items())
        raise EpisodeError(
            f"{bag.path} has no images ({IMAGE} or {COMPRESSED}), which an episode needs (record "
            f"with record_inputs:=true); it has {found or 'no messages'}"
        )
    infos = {}
    for view, topic in views.items():
        beside = topic.removesuffix("/compressed").rpartition("/")[0] + "/camera_info"
        if alive.get(beside) == CAMERA_INFO:
            infos[view] = beside
    roles, notes = {}, []
    for role, types in TYPES.items():
        named = sorted((t for t in alive if f"/{t}".endswith(f"/{role}")), key=len)
        fitting = [topic for topic in named if alive[topic] in types]
        if fitting:
            roles[role] = fitting[0]
        elif named:
            kinds = " or ".join(types)
            notes.append(f"{named[0]} is of type {alive[named[0]]}, not {kinds}: left out")
        elif role != "instruction":  # the features tell it too
            notes.append(f"no {role} in the bag")
    return EpisodeTopics(views, infos, roles, notes)
