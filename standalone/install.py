"""Install the stand-ins for those ROS 2 packages that this interpreter lacks, and no others.

Run it with the interpreter to install for: `.venv/bin/python standalone/install.py`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAME = "vla-ros-standalone"
SHARED = "vla_ros_standalone"


def carried() -> list[str]:
    """Return the names of the ROS 2 packages that are carried here."""
    names = {path.parent.name for path in (HERE / "src").glob("*/__init__.py")}
    return sorted(names - {SHARED})


def own() -> set[str]:
    """Return the packages that an earlier run has installed."""
    try:
        files = importlib.metadata.files(NAME) or []
    except importlib.metadata.PackageNotFoundError:
        return set()
    return {file.parts[0] for file in files}


def is_real(package: str) -> bool:
    """Tell whether someone else's package of that name can be imported."""
    if package in own():
        return False
    spec = importlib.util.find_spec(package)
    # A folder of that name somewhere on the path has no origin; it is no package.
    return spec is not None and spec.origin is not None


def absent() -> list[str]:
    """Return the packages to install; the ros2 command only where there is no other."""
    names = [name for name in carried() if not is_real(name)]
    if "ros2cli" not in own() and shutil.which("ros2", path=str(Path(sys.executable).parent)):
        names = [name for name in names if name != "ros2cli"]
    return names


def main() -> int:
    """Install, or take away what real packages have come for."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    names = absent()
    if not names:
        print("standalone: everything is there, nothing to install")
        return subprocess.call([*pip, "uninstall", "--yes", NAME]) if own() else 0
    print("standalone: installing", ", ".join(names))
    # Built without isolation: setuptools is there already, and nothing is downloaded for it.
    options = ["--no-build-isolation", "--no-deps", "--force-reinstall"]
    environment = {**os.environ, "VLA_ROS_STANDALONE": ",".join([SHARED, *names])}
    shutil.rmtree(HERE / "build", ignore_errors=True)  # it would keep what is no longer chosen
    return subprocess.call([*pip, "install", *options, str(HERE)], env=environment)


if __name__ == "__main__":
    sys.exit(main())
