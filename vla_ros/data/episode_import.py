"""Turns episode folders into a bag that replays."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from vla_ros.core.errors import BagError
from vla_ros.core.time import NS
from vla_ros.data.bag_metadata import Qos
from vla_ros.data.bag_writer import BagWriter
from vla_ros.data.episode_messages import messages
from vla_ros.data.episodes import Episode, find_episodes, read_episode
from vla_ros.data.playback import IMAGES, INSTRUCTION

Progress = Callable[[int, int], None]
# Before episodes that are moved, the first among them: a stamp of 0 is none.
_GAP_NS = NS


def import_episodes(
    folder: Path, out: Path, *, progress: Progress = lambda done, whole: None
) -> list[str]:
    """Turn an episode, or a folder of episodes, into the bag `out`; return what is to be said.

    Topics, types, stamps and times of receipt are those of the bag that an episode came from, or
    the package's own. Episodes follow each other as they were recorded; those that would overlap
    are moved behind one another. Nothing is left where an error ends it.

    Raises:
        EpisodeError: there is no episode, or a part of it makes no sense.
        BagError: `out` exists, or cannot be written.
    """
    episodes = [read_episode(path) for path in find_episodes(folder)]
    if out.exists():
        raise BagError(f"{out} exists already; give a place that does not")
    episodes.sort(
        key=lambda episode: episode.start_ns
    )  # stable: equal ones keep their names' order
    notes = [f"{episode.folder.name}: {episode.note}" for episode in episodes if episode.note]
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        # The files carry the bag's name, so it is made where it will be called so.
        with BagWriter(unfinished / out.name, custom=_custom(episodes)) as bag:
            _write(bag, episodes, progress)
        if bag.error:
            raise BagError(f"{out} cannot be written: {bag.error}")
        (unfinished / out.name).rename(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return notes


def _write(bag: BagWriter, episodes: list[Episode], progress: Progress) -> None:
    whole = sum(len(frames) for episode in episodes for frames in episode.views.values())
    done, end_ns = 0, 0
    for episode in episodes:
        # Of one bag's episodes the next may begin with an image captured just before its turn.
        apart = episode.start_ns >= max(end_ns - _GAP_NS, _GAP_NS)
        shift_ns = 0 if apart else end_ns + _GAP_NS - episode.start_ns
        for one in messages(episode, shift_ns):
            bag.add_topic(one.topic, one.msgtype, Qos(latched=one.msgtype == INSTRUCTION))
            bag.write(one.topic, one.make(), one.received_ns, wait=True)
            end_ns = max(end_ns, one.received_ns)
            done += one.msgtype in IMAGES
            progress(done, whole)


def _custom(episodes: list[Episode]) -> dict[str, str]:
    """Return what the recording bag knew, as far as the first episode kept it."""
    about = episodes[0].about
    custom = {"source": json.dumps([str(episode.folder) for episode in episodes])}
    if about.get("model_id"):
        custom["model_id"] = about["model_id"]
    if about.get("configuration"):
        custom["configuration"] = json.dumps(about["configuration"])
    return custom
