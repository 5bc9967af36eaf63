"""Measures a policy's stages offline, and compares its configurations.

With no checkpoint and no recording it runs the embedded policy on images of the simulated robot.
It reports no time of an encode unless the images reached the encoder. See docs/benchmark.md.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vla_ros.benchmark.arguments import count, count_or_none, resolution
from vla_ros.benchmark.configuration import RESOLUTIONS, Configuration, comparisons
from vla_ros.benchmark.measure import Result, measure_all, steps
from vla_ros.benchmark.picture import draw
from vla_ros.benchmark.recordings import Recording
from vla_ros.benchmark.results import write_results
from vla_ros.benchmark.table import table
from vla_ros.benchmark.workbench import Options, Workbench
from vla_ros.core.errors import ParameterError, VlaError
from vla_ros.data.episode_export import export_episodes
from vla_ros.data.episodes import find_episodes, read_episode
from vla_ros.data.recorder import BAG
from vla_ros.models.checkpoint import open_checkpoint
from vla_ros.models.config import HEADS, LAYOUTS
from vla_ros.models.embedded import EMBEDDED, resolve_checkpoint
from vla_ros.models.recipes import RECIPES, make

_QUICK = 3
_SAMPLE = "sample"  # folder of a checkpoint that holds an episode
_REUSE, _BATCH = (1, 3, 5, 10, 15), (1, 2, 4, 8)


class Models:
    """The checkpoints of a run by name; shapes are made where they are asked for."""

    def __init__(self, scratch: Path, seed: int) -> None:
        """Take a folder for what is made, and the seed of its weights."""
        self.folders: dict[str, Path] = {}
        self._scratch, self._seed = scratch, seed

    def add(self, model: str) -> str:
        """Return the name of a checkpoint's folder or of a shape, ready to be loaded.

        Raises:
            CheckpointError: there is no such folder.
        """
        if model == EMBEDDED or model not in RECIPES:
            folder = resolve_checkpoint(model)
            name = EMBEDDED if model == EMBEDDED else folder.resolve().name
            if self.folders.get(name, folder) != folder:
                name = str(folder)  # another folder of that name
            self.folders[name] = folder
            return name
        if model not in self.folders:
            recipe = RECIPES[model]
            sets = RECIPES[EMBEDDED].policy.input_sets  # so that inputs can be compared
            self.folders[model] = folder = self._scratch / model
            print(f"making {model} with random weights", file=sys.stderr)
            folder.mkdir()
            make(
                folder, replace(recipe, policy=replace(recipe.policy, input_sets=sets)), self._seed
            )
        return model

    def base(self, model: str, head: str, args: argparse.Namespace, cameras: int) -> Configuration:
        """Return the configuration that the others are made from."""
        name = self.add(model)
        config = open_checkpoint(self.folders[name]).config
        return Configuration(
            model=name,
            head=head,
            views=args.num_views or min(cameras, len(config.views)),
            layout=config.layout,
            sensor=not args.disable_sensor,
            robot_states=not args.disable_robot_states,
        )


def plan(args: argparse.Namespace, models: Models, cameras: int) -> dict[str, list[Configuration]]:
    """Return the configurations that the command line asks for, by what is compared."""
    given = {"regression": args.checkpoint_regression, "flow": args.checkpoint_flow}
    chosen = {head: model for head, model in given.items() if model}
    chosen = chosen or dict.fromkeys(HEADS, args.shape)
    bases = [models.base(model, head, args, cameras) for head, model in chosen.items()]
    views = tuple(range(1, max(base.views for base in bases) + 1))
    asked: dict[str, Sequence[Any]] = {
        "sensor": (True, False) if args.compare_sensors else (),
        "views": _values(args.compare_views, views),
        "reuse": _values(args.compare_reuse, _REUSE),
        "resolution": _values(args.compare_resolutions, tuple(RESOLUTIONS)),
        "batch": _values(args.compare_batch, _BATCH),
        "layout": LAYOUTS if args.compare_layouts else (),
    }
    asked = {name: values for name, values in asked.items() if values}
    made = comparisons(bases, asked) if asked or not args.compare_models else {}
    if args.compare_models:
        pairs = [(model, head) for model in args.compare_models for head in chosen]
        made["model"] = [models.base(model, head, args, cameras) for model, head in pairs]
    return made


def _values(given: Sequence[Any] | None, default: Sequence[Any]) -> Sequence[Any]:
    """Return what a flag lists: nothing without it, the default where it stands alone."""
    return () if given is None else tuple(dict.fromkeys(given)) or default


def recording(args: argparse.Namespace, scratch: Path) -> tuple[Recording, str]:
    """Return what to measure on, and where it comes from; a bag becomes episodes in `scratch`."""
    given: Path | None = args.dataset_dir
    if given is not None and (bag := _bag(given)) is not None:
        for note in export_episodes(bag, scratch / "bag"):
            print(f"benchmark: {note}", file=sys.stderr)
        made = [read_episode(folder) for folder in find_episodes(scratch / "bag")]
        return max(made, key=lambda episode: max(map(len, episode.views.values()))), str(bag)
    if given is not None:
        folder = find_episodes(given)[0]
        return read_episode(folder), str(folder)
    for checkpoint in (args.checkpoint_regression, args.checkpoint_flow):
        folder = Path(checkpoint or "") / _SAMPLE
        if checkpoint and folder.is_dir():
            return read_episode(folder), str(folder)
    from vla_ros.tools.simulated_recording import record  # MuJoCo, where nothing else is given

    return record(args.seed), "simulation"


def _bag(path: Path) -> Path | None:
    """Return the bag that a path is, or that the run in it left; None if there is none."""
    for place in (path, path / BAG):
        files = place.iterdir() if place.is_dir() else (place,)
        if any(file.suffix in (".mcap", ".db3") for file in files):
            return place
    return None


def run(args: argparse.Namespace, folder: Path) -> list[Result]:
    """Measure what the command line asks for and write it into the folder."""
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        models = Models(Path(scratch), args.seed)
        source, origin = recording(args, Path(scratch))
        compared = plan(args, models, len(source.views))
        options = Options(args.device, args.dtype, args.threads, args.seed)
        bench = Workbench(models.folders, source, options)
        iterations = _QUICK if args.quick else args.num_iterations
        total = steps(compared, iterations, args.warm_up)
        bar = stack.enter_context(tqdm(total=total, unit="cycle", desc="loading"))

        def step(what: str) -> None:
            bar.set_description(what)
            bar.update()

        results = measure_all(bench, compared, iterations, args.warm_up, step)
    settings = {name: str(v) if isinstance(v, Path) else v for name, v in vars(args).items()}
    used = {"num_iterations": iterations, "threads": bench.threads, "recording": origin}
    write_results(results, folder, settings | used)
    draw(results, folder / "comparison.png")
    return results


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; return the exit code."""
    args = parser().parse_args(argv)
    folder: Path = args.output_dir or Path("output") / f"benchmark-{datetime.now():%Y%m%d-%H%M%S}"
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ParameterError(f"output-dir {folder} exists; a new or an empty folder is allowed")
        folder.mkdir(parents=True, exist_ok=True)
        results = run(args, folder)
    except (VlaError, OSError) as error:
        return _nothing(folder, str(error))
    except KeyboardInterrupt:
        return _nothing(folder, "interrupted; nothing is written")
    print(table(results))
    print(f"benchmark: {folder}")
    return 0


def _nothing(folder: Path, why: str) -> int:
    with suppress(OSError):
        folder.rmdir()  # if it is empty
    print(f"benchmark: {why}", file=sys.stderr)
    return 1


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    command = argparse.ArgumentParser("benchmark", description=__doc__)
    what = command.add_argument_group("what is measured")
    what.add_argument(
        "--checkpoint-regression", metavar="FOLDER", help=f"or a shape: {', '.join(RECIPES)}"
    )
    what.add_argument("--checkpoint-flow", metavar="FOLDER", help="likewise, for flow matching")
    what.add_argument(
        "--shape",
        choices=tuple(RECIPES),
        default=EMBEDDED,
        help="random weights of this size, both heads, where no checkpoint is given (embedded)",
    )
    what.add_argument(
        "--dataset-dir",
        type=Path,
        help="an episode (images/<view>/*.jpg, sensor and robot_states as npz or csv), a folder "
        "of episodes, or a bag; default: the checkpoint's sample/, else the simulated robot",
    )
    what.add_argument("--num-views", type=count, help="default: all that there are")
    what.add_argument("--disable-sensor", action="store_true", help="use the expert without it")
    what.add_argument("--disable-robot-states", action="store_true", help="likewise")
    _add_comparisons(command.add_argument_group("comparisons, each of which may be combined"))
    how = command.add_argument_group("how")
    how.add_argument("--num-iterations", type=count, default=10, help="cycles of each (10)")
    how.add_argument("--quick", action="store_true", help=f"{_QUICK} iterations")
    how.add_argument("--warm-up", type=count_or_none, default=1, help="cycles before those (1)")
    how.add_argument("--seed", type=int, default=0, help="of weights, noise and simulation (0)")
    how.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    how.add_argument("--dtype", choices=("auto", "float32", "bfloat16"), default="auto")
    how.add_argument("--threads", type=int, default=0, help="of the encoder; 0: torch's choice")
    how.add_argument("--output-dir", type=Path, help="default: output/benchmark-<date>-<time>")
    return command


def _add_comparisons(group: Any) -> None:
    group.add_argument("--compare-sensors", action="store_true", help="with and without the sensor")
    group.add_argument("--compare-layouts", action="store_true", help=" and ".join(LAYOUTS))
    group.add_argument(
        "--compare-models", nargs="+", metavar="MODEL", help=f"folders, or {', '.join(RECIPES)}"
    )
    listed = {
        "views": (count, "one to all"),
        "reuse": (count, f"ticks for each encode: {' '.join(map(str, _REUSE))}"),
        "resolutions": (resolution, f"{' '.join(RESOLUTIONS)}; also WIDTHxHEIGHT, native"),
        "batch": (count, f"frame sets in one encode: {' '.join(map(str, _BATCH))}"),
    }
    for name, (kind, text) in listed.items():
        group.add_argument(f"--compare-{name}", type=kind, nargs="*", metavar="N", help=text)


if __name__ == "__main__":
    sys.exit(main())
