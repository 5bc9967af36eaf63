"""`ros2 launch` and `ros2 run`, with their signals and exit codes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import launch

ROS2 = Path(sys.executable).parent / "ros2"

FILE = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, LogInfo, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
import sys
WAIT = "import time\\nprint('up', flush=True)\\ntime.sleep(60)"
def fail(context):
    if LaunchConfiguration('fail').perform(context) == 'true':
        raise RuntimeError('on purpose')
def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument('code', default_value='pass', description='What to run'),
        DeclareLaunchArgument('fail', default_value='false', choices=['true', 'false']),
        DeclareLaunchArgument('more', condition=IfCondition('false')),
        LogInfo(msg=['code is ', LaunchConfiguration('code')]),
        ExecuteProcess(cmd=[sys.executable, '-u', '-c', LaunchConfiguration('code')], name='p',
                       output='screen', sigterm_timeout='1', sigkill_timeout='1'),
        OpaqueFunction(function=fail),
    ])
"""
WAIT = "import time; print('up'); time.sleep(60)"
DEAF = (
    "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (2, 15)]; "
    "print('up'); time.sleep(60)"
)


@pytest.fixture
def package(tmp_path, monkeypatch):
    index = tmp_path / "share/ament_index/resource_index/packages"
    for folder in (index, tmp_path / "lib/some_package", tmp_path / "share/some_package/launch"):
        folder.mkdir(parents=True)
    (index / "some_package").touch()
    (tmp_path / "share/some_package/launch/some.launch.py").write_text(FILE)
    (tmp_path / "some.launch.py").write_text(FILE)
    script = tmp_path / "lib/some_package/exits"
    script.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\nsys.exit(5)\n")
    script.chmod(0o755)
    (tmp_path / "lib/some_package/no_program").write_text("")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path}{os.pathsep}{sys.prefix}")
    return tmp_path


def ros2(*args, cwd=None):
    done = subprocess.run(
        [ROS2, *args], cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("what", [("some_package", "some.launch.py"), ("./some.launch.py",)])
def test_launch(package, what):
    code, out = ros2("launch", *what, "code:=print('value:=1')", cwd=package)
    assert code == 0
    assert "[launch.user]: code is print('value:=1')" in out and "] value:=1" in out


def test_launch_that_fails(package):
    code, out = ros2("launch", "some_package", "some.launch.py", "fail:=true", f"code:={WAIT}")
    assert code == 1 and "on purpose" in out
    assert ros2("launch", "some_package", "some.launch.py", "fail:=maybe")[0] == 1


def test_a_process_that_dies_does_not_fail_the_launch(package):
    code, out = ros2("launch", "some_package", "some.launch.py", "code:=import sys; sys.exit(3)")
    assert code == 0 and "exit code 3" in out


@pytest.mark.parametrize(
    "args, text",
    [
        (("some_package", "some.launch.py", "wrong"), "malformed launch argument 'wrong'"),
        (("some_package", "none.launch.py"), "'none.launch.py' was not found"),
        (("no_package", "some.launch.py"), "Package 'no_package' not found"),
    ],
)
def test_launch_of_what_is_not_there(package, args, text):
    code, out = ros2("launch", *args)
    assert code == 1 and text in out


def test_show_args(package):
    code, out = ros2("launch", "some_package", "some.launch.py", "--show-args")
    assert code == 0
    assert (
        out
        == """Arguments (pass arguments as '<name>:=<value>'):

    'code':
        What to run
        (default: 'pass')

    'fail':
        One of: ['true', 'false']
        (default: 'false')

    'more':*
        no description given

* argument(s) which are only used if specific conditions occur
"""
    )


def test_print(package):
    code, out = ros2("launch", "some_package", "some.launch.py", "--print")
    assert code == 0
    assert "├── LogInfo('code is ' + LaunchConfig('code'))" in out
    assert "├── ExecuteProcess(cmd=['" in out and "shell=False)" in out
    assert out.count("└── ") == 1


def test_launch_prefix(package):
    code, out = ros2(
        *("launch", "--launch-prefix", "echo before", "some_package", "some.launch.py")
    )
    assert code == 0 and "] before " in out


def children(command):
    return [
        c
        for c in Path(f"/proc/{command.process.pid}/task/{command.process.pid}/children")
        .read_text()
        .split()
    ]


def gone(pids):
    return not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("code, ended", [(WAIT, "exit code -2"), (DEAF, "exit code -9")])
def test_interrupt_ends_everything_and_a_second_one_changes_nothing(package, command, code, ended):
    launched = command("ros2", "launch", "some_package", "some.launch.py", f"code:={code}")
    launched.wait_for("] up")
    pids = children(launched)
    launched.process.send_signal(signal.SIGINT)
    launched.wait_for("user interrupted with ctrl-c (SIGINT)")
    if code == DEAF:
        launched.process.send_signal(signal.SIGINT)
        launched.wait_for("again, ignoring...")
    assert launched.finish() == 0
    assert ended in launched.output
    assert pids and gone(pids)


def test_run(package):
    code, out = ros2("run", "some_package", "exits", "--flag", "-x")
    assert code == 5
    assert "['--flag', '-x']" in out and "[ros2run]: Process exited with failure 5" in out
    assert ros2("run", "some_package", "none")[0] == 1
    code, out = ros2("run", "no_package", "none")
    assert code == 1 and "not found" in out


def test_run_with_a_prefix(package):
    code, out = ros2("run", "--prefix", "echo before", "some_package", "exits")
    assert code == 0 and out.startswith("before ")


@pytest.mark.skipif(not hasattr(launch, "left_out"), reason="Jazzy's asks for a name")
def test_run_lists_the_executables(package):
    assert ros2("run", "some_package") == (0, "exits\n")
