"""Installs the package, and builds its messages with the same CMake rules that ROS 2 uses."""

import os
import shutil
import subprocess
import sys
from glob import glob
from pathlib import Path
from zlib import crc32

from setuptools import Command, find_packages, setup
from setuptools.command.develop import develop
from setuptools.command.install import install

PACKAGE = "vla_ros"
ROOT = Path(__file__).resolve().parent
NODES = ("vl_encoder", "action", "command", "profiler", "sim", "bag_source", "naive_loop")
TOOLS = (
    "benchmark",
    "benchmark_action",
    "benchmark_bags",
    "benchmark_encoder",
    "compare_loops",
    "convert",
    "episode",
    "make_checkpoint",
    "replay",
    "report",
)
# What setup() installs, and CMake as well.
DATA_FILES = (
    f"share/ament_index/resource_index/packages/{PACKAGE}",
    f"share/{PACKAGE}/package.xml",
)


def build_messages(command: Command, base: Path, site_packages: Path) -> None:
    """Generate, compile and install msg/ into the ROS prefix `base`."""
    stage = compile_messages(Path(command.get_finalized_command("build").build_base).absolute())
    [generated] = stage.glob(f"**/site-packages/{PACKAGE}") or stage.glob(
        f"**/dist-packages/{PACKAGE}"
    )
    copy_tree(generated / "msg", site_packages / PACKAGE / "msg")
    for library in generated.glob("*.so"):
        replace(library, site_packages / PACKAGE / library.name)
    # Our own __init__ joins the sources and the generated part where they lie apart.
    replace(ROOT / PACKAGE / "__init__.py", site_packages / PACKAGE / "__init__.py")
    for ours in DATA_FILES:  # --symlink-install puts links there
        (stage / ours).unlink(missing_ok=True)
    for folder in ("include", "lib", "share"):
        copy_tree(stage / folder, base / folder)


def compile_messages(build_base: Path) -> Path:
    """Return the folder that holds the installed messages as CMake lays them out."""
    prefixes = os.environ.get("AMENT_PREFIX_PATH") or sys.prefix
    # CMake remembers what it found: another ROS gets a folder of its own.
    build = build_base / f"messages-{sys.implementation.cache_tag}-{crc32(prefixes.encode()):08x}"
    source, stage = build / "source", build / "stage"
    # Out of the tree: CMake exports no path below its source folder, where the environment may be.
    for path in (ROOT / "CMakeLists.txt", ROOT / "package.xml", *(ROOT / "msg").iterdir()):
        replace(path, source / path.relative_to(ROOT))
    configure = [
        "cmake",
        *("-S", str(source)),
        *("-B", str(build)),
        f"-DCMAKE_INSTALL_PREFIX={stage}",
        f"-DCMAKE_PREFIX_PATH={prefixes.replace(os.pathsep, ';')}",
        f"-DPython3_EXECUTABLE={sys.executable}",
        "-DCMAKE_BUILD_TYPE=Release",
    ]
    jobs = str(os.cpu_count() or 1)
    shutil.rmtree(stage, ignore_errors=True)
    compile_all = ["cmake", "--build", str(build), "--target", "install", "-j", jobs]
    for step in (configure, compile_all):
        done = subprocess.run(
            step,
            env={**os.environ, "AMENT_PREFIX_PATH": prefixes},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            sys.exit(f"{done.stdout}\nbuilding the messages failed: {' '.join(step)}")
    return stage


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder into another, but for what belongs to a Python installation."""
    for path in source.rglob("*"):
        inside = path.relative_to(source)
        if path.is_file() and not inside.parts[0].startswith("python3"):
            replace(path, target / inside)


def replace(source: Path, target: Path) -> None:
    """Copy a file in one step: a process that has loaded the old one keeps the old one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.new")
    shutil.copy2(source, unfinished)
    unfinished.replace(target)


class Install(install):
    """The standard installation, and the messages."""

    def run(self) -> None:  # noqa: D102
        super().run()
        root = Path(self.root) if self.root else None
        place = (lambda path: root / Path(path).relative_to("/")) if root else Path
        build_messages(self, place(self.install_base), place(self.install_lib))


class Develop(develop):
    """The editable installation (`colcon build --symlink-install`), and the messages."""

    def run(self) -> None:  # noqa: D102
        super().run()
        base = Path(self.prefix or sys.prefix)
        build_messages(self, base, Path(self.install_dir))


setup(
    name=PACKAGE,
    version="0.1.0",
    packages=find_packages(include=[PACKAGE, f"{PACKAGE}.*"]),
    package_data={PACKAGE: ["report/*.css", "sim/*.xml", "py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        (f"share/{PACKAGE}/launch", glob("launch/*.launch.py")),
        (f"share/{PACKAGE}/config", glob("config/*")),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},  # by this `colcon test` knows which runner to take
    zip_safe=True,
    maintainer="vla_ros maintainers",
    maintainer_email="maintainers@vla-ros.dev",
    description="Runs a vision-language-action policy on a real robot in real time.",
    license="Apache-2.0",
    cmdclass={"install": Install, "develop": Develop},
    entry_points={
        "console_scripts": [
            *(f"{name} = {PACKAGE}.nodes.{name}:main" for name in NODES),
            *(f"{name} = {PACKAGE}.tools.{name}:main" for name in TOOLS),
            f"bag-recover = {PACKAGE}.tools.bag_recover:main",
            f"inspect = {PACKAGE}.tools.inspect_checkpoint:main",  # not inspect.py: Python's own
        ]
    },
)
