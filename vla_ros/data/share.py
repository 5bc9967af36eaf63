"""The files that come with the package: beside the sources, else where they are installed."""

from pathlib import Path

from vla_ros.core.errors import BagError

PACKAGE = "vla_ros"


def share_file(name: str) -> Path:
    """Return the path of a file of the package, such as `config/realtime.yaml`.

    Raises:
        BagError: the package is neither run from its sources nor installed.
    """
    beside = Path(__file__).parents[2] / name
    if beside.exists():
        return beside
    try:
        from ament_index_python.packages import get_package_share_directory

        return Path(get_package_share_directory(PACKAGE)) / name
    except (ImportError, LookupError) as error:
        raise BagError(f"{name} of {PACKAGE} is not installed: {error}") from error
