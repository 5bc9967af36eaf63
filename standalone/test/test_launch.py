"""What a launch description does, on whichever `launch` is installed."""

import os
import sys
import threading

import pytest

from launch import (
    LaunchContext,
    LaunchDescription,
    LaunchDescriptionSource,
    LaunchService,
)
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    GroupAction,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    SetLaunchConfiguration,
    Shutdown,
    TimerAction,
)
from launch.conditions import IfCondition, UnlessCondition
from launch.event_handlers import OnProcessExit, OnProcessIO, OnProcessStart, OnShutdown
from launch.events import Shutdown as ShutdownEvent
from launch.events import matches_action
from launch.events.process import ShutdownProcess, SignalProcess
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, ThisLaunchFile, ThisLaunchFileDir


def python(code, **kwargs):
    kwargs = {"name": "p", "output": "screen", **kwargs}
    return ExecuteProcess(cmd=[sys.executable, "-u", "-c", code], **kwargs)


def run(*entities, **kwargs):
    service = LaunchService(noninteractive=True, **kwargs)
    service.include_launch_description(LaunchDescription(list(entities)))
    return service.run()


class Seen:
    """An action that notes what substitutions give when it is visited."""

    def __init__(self):
        self.values = []

    def __call__(self, *substitutions):
        def note(context):
            self.values += [sub.perform(context) for sub in substitutions]

        return OpaqueFunction(function=note)

    def exits(self, action):
        """Note the return code of an action's process."""
        return RegisterEventHandler(
            OnProcessExit(
                target_action=action,
                on_exit=lambda event, context: self.values.append(event.returncode),
            )
        )


@pytest.fixture
def seen():
    return Seen()


def test_an_empty_launch_ends_cleanly():
    assert run() == 0


def test_lines_start_and_end_of_a_process_are_logged(capfd):
    assert run(python("print('one'); print('two', end='')")) == 0
    out = capfd.readouterr().out
    assert "process started with pid [" in out
    assert "process has finished cleanly [pid " in out
    name = out.split("[INFO] [p-")[1].split("]")[0]
    assert f"[p-{name}] one\n" in out and f"[p-{name}] two\n" in out


def test_a_failing_process_is_logged_and_does_not_fail_the_launch(capfd, seen):
    process = python("import sys; sys.exit(3)")
    assert run(seen.exits(process), process) == 0
    assert seen.values == [3]
    assert "process has died [pid " in (out := capfd.readouterr().out)
    assert ", exit code 3, cmd '" in out


def test_output_log_shows_stderr_only_and_keeps_both(capfd):
    import launch.logging

    run(python("import sys; print('to out'); print('to err', file=sys.stderr)", output="log"))
    out = capfd.readouterr().out
    assert "to err" in out and "] to out" not in out
    with open(launch.logging.launch_config.get_log_file_path()) as log:
        text = log.read()
    assert "to err" in text and "to out" in text


def test_output_that_comes_in_pieces_is_one_line(capfd):
    run(python("import os, time\nfor b in b'abc', b'def\\n': os.write(1, b); time.sleep(.05)"))
    assert "] abcdef\n" in capfd.readouterr().out


def test_an_unknown_output_is_an_error():
    assert run(python("", output="nowhere")) == 1


def test_a_missing_executable_is_logged(capfd):
    assert run(ExecuteProcess(cmd=["/no/such/thing"])) == 0
    assert "exception occurred while executing process" in capfd.readouterr().out


def test_cwd_env_and_additional_env(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("A", "0")  # and as it was afterwards, whatever the launch sets
    code = "import os; print(os.getcwd(), os.environ.get('A'), os.environ.get('B'))"
    run(
        SetEnvironmentVariable("A", "1"),
        python(
            code, cwd=str(tmp_path), additional_env={"B": LaunchConfiguration("b", default="2")}
        ),
    )
    assert f"{tmp_path} 1 2" in capfd.readouterr().out
    run(python(code, env={"B": "3"}))
    assert " None 3" in capfd.readouterr().out


def test_prefix_and_shell(capfd):
    run(ExecuteProcess(cmd=["-c", "print('with prefix')"], prefix=sys.executable, output="screen"))
    run(ExecuteProcess(cmd=["echo", "$((40 + 2))"], shell=True, output="screen"))
    out = capfd.readouterr().out
    assert "with prefix" in out and "] 42" in out


def test_emulate_tty(capfd):
    code = "import sys; print(sys.stdout.isatty(), sys.stderr.isatty())"
    run(python(code))
    run(python(code, emulate_tty=True))
    run(SetLaunchConfiguration("emulate_tty", "true"), python(code))
    out = capfd.readouterr().out
    assert out.count("] False False") == 1 and out.count("] True True") == 2


def test_respawn_until_the_retries_are_used_up(seen):
    process = python(
        "import sys; sys.exit(1)", respawn=True, respawn_delay=0.01, respawn_max_retries=2
    )
    assert run(seen.exits(process), process) == 0
    assert seen.values == [1, 1, 1]


def test_shutdown_ends_the_wait_for_a_respawn(seen):
    process = python("", respawn=True, respawn_delay=1000.0)
    ended = RegisterEventHandler(
        OnProcessExit(
            target_action=process, on_exit=[TimerAction(period=0.05, actions=[Shutdown()])]
        )
    )
    assert run(ended, seen.exits(process), process) == 0
    assert seen.values == [0]


def test_on_exit_shutdown_makes_a_process_required(seen, capfd):
    other = ExecuteProcess(cmd=["sleep", "60"])
    needed = python("import sys; sys.exit(4)", on_exit=Shutdown(reason="needed"))
    assert run(seen.exits(other), other, needed) == 0
    assert seen.values == [-2]
    assert "was required: shutting down launched system" in capfd.readouterr().out


STUBBORN = """
import signal, time
for name in {names}: signal.signal(getattr(signal, name), signal.SIG_IGN)
print('ready')
time.sleep(60)
"""


@pytest.mark.parametrize(
    "ignored, code", [([], -2), (["SIGINT"], -15), (["SIGINT", "SIGTERM"], -9)]
)
def test_escalation(ignored, code, seen, capfd):
    process = python(
        STUBBORN.format(names=ignored), sigterm_timeout="0.1", sigkill_timeout=["0.", "1"]
    )
    stop = RegisterEventHandler(
        OnProcessIO(target_action=process, on_stdout=lambda event: [Shutdown()])
    )
    assert run(stop, seen.exits(process), process) == 0
    assert seen.values == [code]
    out = capfd.readouterr().out
    assert "sending signal 'SIGINT'" in out
    assert ("escalating to 'SIGTERM'" in out) == (code != -2)
    assert ("escalating to 'SIGKILL'" in out) == (code == -9)


def test_one_process_can_be_signalled_and_shut_down(seen):
    first = python("import time; print('up'); time.sleep(60)")
    second = ExecuteProcess(cmd=["sleep", "60"])

    def on_first(event):
        return EmitEvent(
            event=SignalProcess(signal_number="SIGKILL", process_matcher=matches_action(first))
        )

    assert (
        run(
            RegisterEventHandler(
                OnProcessIO(target_action=first, on_stdout=lambda e: [on_first(e)])
            ),
            RegisterEventHandler(
                OnProcessExit(
                    target_action=first,
                    on_exit=[
                        EmitEvent(event=ShutdownProcess(process_matcher=matches_action(second)))
                    ],
                )
            ),
            seen.exits(first),
            seen.exits(second),
            second,
            first,
        )
        == 0
    )
    assert seen.values == [-9, -2]


def test_a_shutdown_before_the_start_prevents_it(capfd):
    assert (
        run(
            EmitEvent(event=ShutdownEvent()),
            TimerAction(period=0.0, actions=[python("print('never')")]),
        )
        == 0
    )
    assert "never" not in capfd.readouterr().out


def test_start_and_shutdown_handlers(seen):
    process = python("pass")
    assert (
        run(
            RegisterEventHandler(
                OnProcessStart(
                    target_action=process, on_start=lambda event, _: seen.values.append(event.pid)
                )
            ),
            RegisterEventHandler(
                OnShutdown(on_shutdown=lambda event, context: seen.values.append(event.reason))
            ),
            process,
        )
        == 0
    )
    assert isinstance(seen.values[0], int) and seen.values[1] == "idle"


def test_handle_once(seen):
    handler = OnProcessExit(on_exit=lambda event, _: seen.values.append(1), handle_once=True)
    run(RegisterEventHandler(handler), python(""), python(""))
    assert seen.values == [1]


def test_a_handler_refuses_what_is_no_entity():
    with pytest.raises(TypeError):
        OnProcessExit(on_exit=["text"])
    with pytest.raises(TypeError):
        OnProcessExit(target_action="text", on_exit=[])


def test_an_exception_in_a_function_fails_the_launch_and_ends_the_rest(seen, capfd):
    process = python("import time; print('up'); time.sleep(60)")

    def fail(event):
        raise RuntimeError("on purpose")

    assert (
        run(
            seen.exits(process),
            RegisterEventHandler(OnProcessIO(target_action=process, on_stdout=fail)),
            process,
        )
        == 1
    )
    assert seen.values == [-2]
    caught = "Caught exception in launch (see debug for traceback): on purpose"
    assert caught in capfd.readouterr().out


def test_an_action_cannot_be_executed_twice():
    process = python("")
    assert run(process, process) == 1


def test_timers_fire_and_are_canceled_by_shutdown(seen):
    assert (
        run(
            TimerAction(
                period=0.02,
                actions=[
                    SetLaunchConfiguration("x", "2"),
                    seen(LaunchConfiguration("x")),
                    Shutdown(),
                ],
            ),
            TimerAction(
                period=LaunchConfiguration("late", default="1000"),
                actions=[seen(LaunchConfiguration("x"))],
            ),
            SetLaunchConfiguration("x", "1"),
            seen(LaunchConfiguration("x")),
        )
        == 0
    )
    assert seen.values == ["1", "2"]


def test_arguments(seen):
    x = LaunchConfiguration("x")
    assert run(DeclareLaunchArgument("x", default_value=["a", "b"]), seen(x)) == 0
    assert run(SetLaunchConfiguration("x", "c"), DeclareLaunchArgument("x"), seen(x)) == 0
    assert run(DeclareLaunchArgument("x"), seen(x)) == 1
    assert (
        run(SetLaunchConfiguration("x", "c"), DeclareLaunchArgument("x", choices=["a"]), seen(x))
        == 1
    )
    assert seen.values == ["ab", "c"]
    with pytest.raises(RuntimeError, match="not in provided choices"):
        DeclareLaunchArgument("x", default_value="b", choices=["a"])
    with pytest.raises(RuntimeError, match="empty"):
        DeclareLaunchArgument("x", choices=[])


@pytest.mark.parametrize(
    "given, description",
    [
        ({}, "no description given"),
        ({"description": "D"}, "D"),
        ({"choices": ["a"]}, "One of: ['a']"),
        ({"description": "D", "choices": ["a"]}, "D. Valid choices are: ['a']"),
    ],
)
def test_descriptions_of_arguments(given, description):
    assert DeclareLaunchArgument("x", **given).description == description


def test_conditions(seen):
    x = LaunchConfiguration("x")
    run(
        SetLaunchConfiguration("x", "no", condition=IfCondition("True")),
        SetLaunchConfiguration("x", "wrong", condition=UnlessCondition("1")),
        seen(x),
    )
    assert seen.values == ["no"]
    assert run(LogInfo(msg="", condition=IfCondition("yes"))) == 1


def test_groups_end_what_they_set(seen):
    x = LaunchConfiguration("x", default="-")
    assert (
        run(
            SetLaunchConfiguration("x", "1"),
            GroupAction(
                [SetLaunchConfiguration("x", "2"), SetEnvironmentVariable("E_", "2"), seen(x)]
            ),
            seen(x),
            GroupAction([seen(x)], forwarding=False),
            GroupAction([seen(x)], forwarding=False, launch_configurations={"x": "3"}),
            GroupAction([seen(x)], launch_configurations={"y": "4", "x": LaunchConfiguration("y")}),
            GroupAction([SetLaunchConfiguration("x", "5")], scoped=False),
            seen(x),
        )
        == 0
    )
    assert seen.values == ["2", "1", "-", "3", "4", "5"]
    assert "E_" not in os.environ


FILE = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
def generate_launch_description():
    return LaunchDescription([DeclareLaunchArgument('needed'), DeclareLaunchArgument('o',
        default_value='x')])
"""


@pytest.fixture
def launch_file(tmp_path):
    path = tmp_path / "some.launch.py"
    path.write_text(FILE)
    return path


def test_include(launch_file, seen):
    def include(**arguments):
        source = PythonLaunchDescriptionSource([str(launch_file.parent), "/some.launch.py"])
        return IncludeLaunchDescription(source, launch_arguments=arguments.items())

    needed = LaunchConfiguration("needed", default="-")
    assert run(GroupAction([include(needed="1"), seen(needed)]), seen(needed)) == 0
    assert run(include(needed=["2", "3"]), seen(needed)) == 0
    assert run(include()) == 1
    assert seen.values == ["1", "-", "23"]


def test_this_launch_file(launch_file, seen):
    description = LaunchDescription([seen(ThisLaunchFile(), ThisLaunchFileDir())])
    source = LaunchDescriptionSource(description, location=str(launch_file))
    assert run(IncludeLaunchDescription(source)) == 0
    assert seen.values == [str(launch_file), str(launch_file.parent)]


def test_a_launch_file_without_its_function(launch_file):
    launch_file.write_text("")
    assert run(IncludeLaunchDescription(PythonLaunchDescriptionSource(str(launch_file)))) == 1


def test_arguments_of_a_description_and_of_what_it_includes(launch_file):
    description = LaunchDescription(
        [
            DeclareLaunchArgument("a"),
            DeclareLaunchArgument("b", condition=IfCondition("true")),
            GroupAction([DeclareLaunchArgument("c"), DeclareLaunchArgument("a")]),
            RegisterEventHandler(OnProcessExit(on_exit=[DeclareLaunchArgument("d")])),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(str(launch_file))),
        ]
    )
    found = {a.name: a._conditionally_included for a in description.get_launch_arguments()}
    assert found == {"a": False, "b": True, "c": False, "d": True, "needed": False, "o": False}


def test_shutdown_from_another_thread(seen):
    service = LaunchService(noninteractive=True)
    process = python("import time; print('up'); time.sleep(60)")
    up = threading.Event()
    service.include_launch_description(
        LaunchDescription(
            [
                seen.exits(process),
                RegisterEventHandler(OnProcessIO(on_stdout=lambda event: up.set())),
                process,
            ]
        )
    )
    threading.Thread(target=lambda: up.wait(20) and service.shutdown()).start()
    assert service.run() == 0
    assert seen.values == [-2]


def test_a_service_runs_again_and_only_in_the_main_thread():
    service = LaunchService(noninteractive=True)
    service.include_launch_description(LaunchDescription([]))
    assert service.run() == 0
    errors = []

    def elsewhere():
        try:
            LaunchService().run()
        except (RuntimeError, ValueError) as error:
            errors.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_locals_are_read_only():
    context = LaunchContext()
    context.extend_locals({"a": 1})
    context.extend_globals({"a": 2, "b": 3})
    assert (context.locals.a, context.locals.b) == (1, 3)
    with pytest.raises(AttributeError):
        context.locals.a = 2
    with pytest.raises(AttributeError, match="does not contain"):
        _ = context.locals.c
