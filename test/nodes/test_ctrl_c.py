"""Ctrl-C before a node is there: no traceback."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("error", "told"), [("KeyboardInterrupt", False), ("ValueError", True)])
def test_ctrl_c_while_a_node_is_imported_prints_nothing(error, told):
    code = f"import vla_ros.nodes; raise {error}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode
    assert bool(done.stderr) == told
