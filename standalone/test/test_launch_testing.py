"""Launch tests as `pytest` and as `launch_test` run them."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from launch import LaunchDescription
from launch_testing.util import KeepAliveProc

BIN = Path(sys.executable).parent
HEAD = """
import os, re, sys, unittest
import pytest
import launch, launch_testing, launch_testing.markers
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration
from launch_testing.actions import ReadyToTest
from launch_testing.asserts import assertExitCodes, assertInStderr, assertInStdout, EXIT_OK
from launch_testing.util import KeepAliveProc, NO_CMD_ARGS

def process(code, *arguments, **kwargs):
    return ExecuteProcess(cmd=[sys.executable, '-u', '-c', code, *arguments], **kwargs)
"""
GOOD = """
TALK = "import sys, time; print('one'); print('two'); print('err', file=sys.stderr); time.sleep(60)"
SHORT = "print('short')"

@pytest.mark.launch_test
def generate_test_description():
    talker = process(TALK, 'an_argument', name='talker')
    return LaunchDescription([
        DeclareLaunchArgument('given', default_value='nothing'),
        talker, process(SHORT, name='short'), KeepAliveProc(), ReadyToTest(),
    ]), {'talker': talker}

class TestRunning(unittest.TestCase):
    @classmethod
    def setUpClass(cls, talker):
        cls.from_class = talker

    def setUp(self, proc_info):
        self.info = proc_info

    def test_arguments(self, talker, launch_service, test_args):
        assert talker is self.from_class
        assert launch_service.context.launch_configurations['given'] == test_args.get(
            'given', 'nothing')

    def test_waiting(self, proc_info, proc_output, talker):
        proc_info.assertWaitForStartup(talker, timeout=20)
        proc_info.assertWaitForShutdown('short', timeout=20)
        proc_output.assertWaitFor('one', process=talker, timeout=20, stream='stdout')
        proc_output.assertWaitFor('err', process='talker', cmd_args='an_argument', timeout=20)
        assert not proc_output.waitFor('never', process=talker, timeout=0.1)
        with self.assertRaises(AssertionError):
            proc_info.assertWaitForShutdown(talker, timeout=0.1)
        assert self.info['short'].returncode == 0
        assert any(name.startswith('talker-') for name in proc_info.process_names())

@launch_testing.post_shutdown_test()
class TestAfterwards(unittest.TestCase):
    def test_exit_codes(self, proc_info, talker):
        assertExitCodes(proc_info, process='short')
        assertExitCodes(proc_info, [EXIT_OK, -2, 1], process=talker)
        with self.assertRaisesRegex(AssertionError, 'exited with code'):
            assertExitCodes(proc_info, [77])

    def test_output(self, proc_output, talker):
        assertInStdout(proc_output, ['one', 'two'], talker)
        assertInStderr(proc_output, 'err', talker)
        for wrong in ('three', ['two', 'one']):
            with self.assertRaises(AssertionError):
                assertInStdout(proc_output, wrong, talker)
        assertInStdout(proc_output, re.compile('t.o'), talker)
"""
DIES = """
@pytest.mark.launch_test
def generate_test_description():
    return LaunchDescription([process("print('last words'); raise SystemExit(3)"), ReadyToTest()])

class TestRunning(unittest.TestCase):
    def test_never_satisfied(self, proc_output):
        proc_output.assertWaitFor('never', timeout=60)
"""
WRONG = """
@pytest.mark.launch_test
def generate_test_description():
    return LaunchDescription([KeepAliveProc(), ReadyToTest()])

class TestRunning(unittest.TestCase):
    def test_that_fails(self):
        self.assertEqual(6 * 7, 41)
    def test_that_passes(self):
        pass

@launch_testing.post_shutdown_test()
class TestAfterwards(unittest.TestCase):
    def test_afterwards(self, proc_info):
        print('this was run too')
"""
KEEP_ALIVE = """
@pytest.mark.launch_test
@launch_testing.markers.keep_alive
def generate_test_description():
    return LaunchDescription([ReadyToTest()])

class TestRunning(unittest.TestCase):
    def test_alone(self, proc_info):
        with self.assertRaises(AssertionError):
            proc_info.assertWaitForStartup('nobody', timeout=0.3)
"""
PARAMETERS = """
@pytest.mark.launch_test
@launch_testing.parametrize('word, number', [('a', 1), ('b', 2)])
def generate_test_description(word, number):
    return LaunchDescription([process(f"print('{word}', {number})"), KeepAliveProc(),
                              ReadyToTest()])

class TestRunning(unittest.TestCase):
    def test_words(self, proc_output, word, number):
        proc_output.assertWaitFor(f'{word} {number}', timeout=20, stream='stdout')
"""
NOT_READY = """
@pytest.mark.launch_test
def generate_test_description():
    return LaunchDescription([KeepAliveProc()])

class TestRunning(unittest.TestCase):
    def test_x(self):
        pass
"""
SKIPPED = """
@pytest.mark.launch_test
def generate_test_description():
    raise unittest.SkipTest('not here')

class TestRunning(unittest.TestCase):
    def test_x(self):
        raise Exception
"""
UNMARKED = """
def generate_test_description():
    raise Exception

def test_plain():
    pass

class TestPlain(unittest.TestCase):
    def test_plain(self):
        pass
"""


def outcome(tmp_path, command, text, *args):
    """Run a launch test; return its exit code and output."""
    path = tmp_path / "test_some_launch.py"
    path.write_text(HEAD + textwrap.dedent(text))
    start = [sys.executable, "-m", "pytest"] if command == "pytest" else [BIN / command]
    done = subprocess.run(
        [*start, path, *args],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


both = pytest.mark.parametrize("command", ["pytest", "launch_test"])


@both
@pytest.mark.parametrize("text", [GOOD, KEEP_ALIVE, PARAMETERS, SKIPPED])
def test_that_passes(tmp_path, command, text):
    code, out = outcome(tmp_path, command, text)
    assert code == 0, out
    if command == "pytest":
        assert "1 passed" in out


@both
def test_that_fails(tmp_path, command):
    code, out = outcome(tmp_path, command, WRONG)
    assert code == 1
    assert "test_that_fails" in out and "42 != 41" in out


@both
def test_a_process_that_dies_early_fails_the_test_with_its_output(tmp_path, command):
    code, out = outcome(tmp_path, command, DIES)
    assert code == 1
    assert "Processes under test stopped before tests completed" in out
    assert re.search(r"exited with 3\n##### '.*' output #####\nlast words", out)


@both
def test_a_description_must_be_ready_some_time(tmp_path, command):
    code, out = outcome(tmp_path, command, NOT_READY)
    assert code != 0 and "ReadyToTest" in out


def test_each_parameter_is_a_run(tmp_path):
    code, out = outcome(tmp_path, "launch_test", PARAMETERS)
    assert code == 0
    assert "test_words[a, 1]" in out and "test_words[b, 2]" in out


def test_launch_arguments(tmp_path):
    assert outcome(tmp_path, "launch_test", GOOD, "given:=this")[0] == 0
    assert outcome(tmp_path, "pytest", GOOD, "--launch-args", "given:=this")[0] == 0
    code, out = outcome(tmp_path, "launch_test", GOOD, "--show-args")
    assert code == 0
    assert "'given':\n        no description given\n        (default: 'nothing')" in out


def test_without_the_marker_it_is_an_ordinary_module(tmp_path):
    code, out = outcome(tmp_path, "pytest", UNMARKED)
    assert code == 0 and "2 passed" in out


def test_other_markers_of_a_description_hold(tmp_path):
    skip = GOOD.replace("@pytest.mark.launch_test", "@pytest.mark.launch_test\n@pytest.mark.skip")
    code, out = outcome(tmp_path, "pytest", skip)
    assert code == 0 and "1 skipped" in out


def test_keep_alive_proc_is_an_action():
    assert LaunchDescription([KeepAliveProc()]).entities[0].cmd
