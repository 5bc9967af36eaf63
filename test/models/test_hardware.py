import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("given", "wanted"), [(None, "PASSIVE"), ("active", "ACTIVE")])
def test_threads_sleep_while_they_wait(given: str | None, wanted: str) -> None:
    """What the threads' library says of itself, once our modules have loaded torch."""
    kept = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    chosen = {"OMP_WAIT_POLICY": given} if given else {}
    done = subprocess.run(
        [sys.executable, "-c", "import vla_ros.models.hardware"],
        env=kept | chosen | {"OMP_DISPLAY_ENV": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"OMP_WAIT_POLICY = '{wanted}'" in done.stderr
