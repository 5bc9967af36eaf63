"""The comparison itself is a benchmark; here, that it says what failed."""

from vla_ros.tools import compare_loops


def test_a_failed_launch_is_named(tmp_path, capsys):
    arguments = ["--seconds", "1", "--repeats", "1", "--output-dir", str(tmp_path), "views:=9"]
    assert compare_loops.main(arguments) == 1
    assert "views:=9 failed" in capsys.readouterr().err
