"""Says in one line what this machine lacks, before anything is installed. Standard library only."""

import ctypes.util
import platform
import shutil
import sys

OLDEST, NEWEST = (3, 11), (3, 14)


def problems():
    """Yield what is missing and what to do about it."""
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        yield (
            "Python {}.{} found, 3.11 to 3.14 is needed: install python3.12 and python3.12-venv, "
            "then `make PYTHON=python3.12`".format(*version)
        )
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        machine = f"{platform.system()} on {platform.machine()}"
        yield f"Linux on x86_64, for which the ROS 2 wheels exist; this is {machine}"
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        yield "Python's venv is missing: apt-get install python3-venv"
    if shutil.which("g++") is None:
        yield "no C++ compiler: apt-get install g++"
    if not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
        yield "no OpenGL for the simulated cameras: apt-get install libegl1 libgl1-mesa-dri"


if __name__ == "__main__":
    found = list(problems())
    for problem in found:
        print("missing: " + problem, file=sys.stderr)
    sys.exit(1 if found else 0)
