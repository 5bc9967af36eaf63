"""Turns a bag into episode folders, or episode folders into a bag that replays.

    episode BAG OUT         one folder for each instruction: OUT/episode_000, OUT/episode_001 ...
    episode FOLDER OUT_BAG  FOLDER is an episode, or holds episodes

An episode is images/<view>/<stamp in ns>.jpg, sensor.npz, robot_states.npz and episode.json.
Folders with nothing but images/<view>/*.jpg are taken too. Recorded JPEGs keep their bytes both
ways; raw images become JPEGs of quality 95 unless --png is given. Nothing that exists is
overwritten.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from vla_ros.core.errors import VlaError
from vla_ros.data.episode_export import export_episodes
from vla_ros.data.episode_import import import_episodes
from vla_ros.data.episodes import EpisodeError, find_episodes
from vla_ros.data.recorder import BAG


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="episode", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="a bag, the folder of a run, or episodes")
    parser.add_argument("out", type=Path, help="what is made; must not exist yet")
    parser.add_argument(
        "--png", action="store_true", help="write raw images as PNG, which loses nothing"
    )
    arguments = parser.parse_args(argv)
    try:
        notes = _convert(arguments.source, arguments.out, arguments.png)
    except (VlaError, OSError) as error:
        print(f"episode: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("episode: interrupted, nothing was kept", file=sys.stderr)
        return 130
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    print(arguments.out)
    return 0


def _convert(source: Path, out: Path, png: bool) -> list[str]:
    """Convert either way; return what is to be said about it."""
    bag = source / BAG if (source / BAG).is_dir() else source
    with tqdm(unit="msg", desc=source.name, disable=None, leave=False) as bar:

        def progress(done: int, whole: int) -> None:
            bar.total = whole
            bar.update(done - bar.n)

        if bag == source and _holds_episodes(source):
            bar.unit = "image"
            return import_episodes(source, out, progress=progress)
        return export_episodes(bag, out, png=png, progress=progress)


def _holds_episodes(path: Path) -> bool:
    try:
        return bool(find_episodes(path))
    except EpisodeError:
        return False


if __name__ == "__main__":
    raise SystemExit(main())
