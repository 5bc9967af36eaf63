"""A serial arm out of a URDF: forward kinematics, Jacobian, differential inverse."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vla_ros.core.errors import ParameterError

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Joint:
    """One joint of the chain, as the URDF describes it."""

    name: str
    moves: bool  # revolute or continuous; else fixed
    origin: Matrix  # (4, 4) of the joint in its parent's frame
    axis: Matrix  # (3,) unit vector in the joint's frame
    low: float  # [rad]
    high: float  # [rad]
    velocity: float  # [rad/s]


class Arm:
    """The chain from a base link to a tool link."""

    def __init__(self, joints: Sequence[Joint]) -> None:
        """Take the joints in order, base first."""
        self._chain = tuple(joints)
        self.joints = tuple(joint for joint in joints if joint.moves)
        self.names = tuple(joint.name for joint in self.joints)

    @classmethod
    def from_urdf(cls, urdf: str, tip: str = "") -> "Arm":
        """Read a URDF's text; `tip` names the tool link (default: the only leaf).

        Raises:
            ParameterError: not a URDF, no such link, or a joint that is neither revolute nor fixed.
        """
        try:
            root = ElementTree.fromstring(urdf)
        except ElementTree.ParseError as error:
            raise ParameterError(f"the robot description is not XML: {error}") from error
        by_child = {_link(joint, "child"): joint for joint in root.findall("joint")}
        parents = {_link(joint, "parent") for joint in root.findall("joint")}
        leaves = [link for link in by_child if link not in parents]
        if not tip and len(leaves) != 1:
            raise ParameterError(
                f"name the tip link; this URDF ends in: {', '.join(leaves) or '-'}"
            )
        link = tip or leaves[0]
        if link not in by_child:
            raise ParameterError(
                f"no joint leads to link {link!r}; there are: {', '.join(by_child)}"
            )
        chain = []
        while link in by_child:
            chain.append(_joint(by_child[link]))
            link = _link(by_child[link], "parent")
        return cls(chain[::-1])

    def positions(self, names: Sequence[str], values: Sequence[float]) -> Matrix | None:
        """Pick this arm's joints out of a JointState by name, (J,); None if one is missing."""
        given: Mapping[str, float] = dict(zip(names, values, strict=False))
        if any(name not in given for name in self.names):
            return None
        return np.array([given[name] for name in self.names])

    def forward(self, positions: Matrix) -> Matrix:
        """Return the tool's pose in the base frame, (4, 4), for joint positions (J,) [rad]."""
        return self._poses(positions)[-1]

    def jacobian(self, positions: Matrix) -> Matrix:
        """Return d(tool velocity)/d(joint velocity) in the base frame, (6, J), linear first."""
        poses = self._poses(positions)
        tool = poses[-1][:3, 3]
        columns = []
        for joint, pose in zip(self._chain, poses, strict=False):
            if joint.moves:
                axis = pose[:3, :3] @ joint.axis
                columns.append(np.concatenate([np.cross(axis, tool - pose[:3, 3]), axis]))
        return np.stack(columns, axis=1)

    def joint_velocity(self, positions: Matrix, twist: Matrix, damping: float = 0.005) -> Matrix:
        """Return the joint velocities (J,) [rad/s] for a tool twist (6,) in the base frame.

        Damped least squares (Wampler 1986; Nakamura and Hanafusa 1986), then scaled down as a
        whole so that no joint exceeds its velocity and none moves past its limit.
        """
        jacobian = self.jacobian(positions)
        square = jacobian @ jacobian.T + damping**2 * np.eye(6)
        velocity = jacobian.T @ np.linalg.solve(square, twist)
        most = np.array([joint.velocity for joint in self.joints])
        velocity = velocity / max(1.0, float(np.max(np.abs(velocity) / most)))
        low = np.array([joint.low for joint in self.joints])
        high = np.array([joint.high for joint in self.joints])
        blocked = ((positions <= low) & (velocity < 0)) | ((positions >= high) & (velocity > 0))
        return np.zeros_like(velocity) if blocked.any() else velocity

    def _poses(self, positions: Matrix) -> list[Matrix]:
        """Return the pose of each joint's frame (after its own motion)."""
        pose, poses, index = np.eye(4), [], 0
        for joint in self._chain:
            pose = pose @ joint.origin
            if joint.moves:
                pose = pose @ _rotation(joint.axis, float(positions[index]))
                index += 1
            poses.append(pose)
        return poses


def read_urdf(description: str) -> str:
    """Return a URDF's text, given that or the file that holds it.

    Raises:
        ParameterError: there is no such file.
    """
    if description.lstrip().startswith("<"):
        return description
    if not Path(description).is_file():
        raise ParameterError(f"robot_description {description!r} is no file; a URDF is allowed")
    return Path(description).read_text()


def _link(joint: ElementTree.Element, role: str) -> str:
    element = joint.find(role)
    if element is None or "link" not in element.attrib:
        raise ParameterError(f"joint {joint.get('name')!r} of the URDF has no {role} link")
    return element.attrib["link"]


def _joint(element: ElementTree.Element) -> Joint:
    name, kind = element.get("name", ""), element.get("type", "")
    if kind not in ("revolute", "continuous", "fixed"):
        raise ParameterError(
            f"joint {name!r} is {kind!r}; revolute, continuous or fixed is allowed"
        )
    origin, axis, limit = element.find("origin"), element.find("axis"), element.find("limit")
    place = np.eye(4)
    if origin is not None:
        place[:3, :3] = _from_rpy(_numbers(origin.get("rpy", "0 0 0")))
        place[:3, 3] = _numbers(origin.get("xyz", "0 0 0"))
    direction = _numbers(axis.get("xyz", "1 0 0")) if axis is not None else np.array([1.0, 0, 0])
    bounds = limit.attrib if limit is not None else {}
    turns = kind == "revolute"
    return Joint(
        name=name,
        moves=kind != "fixed",
        origin=place,
        axis=direction / np.linalg.norm(direction),
        low=float(bounds.get("lower", 0.0)) if turns else -np.inf,
        high=float(bounds.get("upper", 0.0)) if turns else np.inf,
        velocity=float(bounds.get("velocity", np.inf)),
    )


def _numbers(text: str) -> Matrix:
    return np.array([float(number) for number in text.split()])


def _from_rpy(rpy: Matrix) -> Matrix:
    roll, pitch, yaw = (
        _rotation(axis, angle)[:3, :3] for axis, angle in zip(np.eye(3), rpy, strict=True)
    )
    return np.asarray(yaw @ pitch @ roll)


def _rotation(axis: Matrix, angle: float) -> Matrix:
    """Return Rodrigues' rotation as a (4, 4) pose."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    pose = np.eye(4)
    pose[:3, :3] += np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)
    return pose
