"""ExecuteLocal."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Iterable, Mapping
from signal import SIGINT, SIGKILL, SIGTERM, Signals
from typing import Any

from ..action import Action
from ..conditions import evaluate_condition_expression
from ..descriptions import Executable
from ..event import Event
from ..event_handler import EventHandler
from ..event_handlers import OnProcessExit, OnProcessIO, OnProcessStart, OnShutdown
from ..events import Shutdown, matches_action
from ..events.process import (
    ProcessExited,
    ProcessIO,
    ProcessStarted,
    ProcessStderr,
    ProcessStdout,
    ShutdownProcess,
    SignalProcess,
)
from ..launch_context import LaunchContext
from ..launch_description_entity import LaunchDescriptionEntity
from ..logging import get_logger, get_output_loggers
from ..substitution import SomeSubstitutionsType
from ..substitutions import LaunchConfiguration, PythonExpression
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from ..utilities.output_lines import OutputLines
from ..utilities.running_process import RunningProcess
from ..utilities.type_utils import normalize_typed_substitution, perform_typed_substitution
from .emit_event import EmitEvent
from .opaque_function import OpaqueFunction
from .timer_action import TimerAction

_SIGTERM_TIMEOUT = LaunchConfiguration("sigterm_timeout", default=5)
_SIGKILL_TIMEOUT = LaunchConfiguration("sigkill_timeout", default=5)
_ESCALATION = (
    "process[{}] failed to terminate '{}' seconds after receiving '{}', escalating to '{}'"
)


class ExecuteLocal(Action):
    """Runs a process: its lines are logged, its start, output and end are emitted as events.

    At shutdown it gets SIGINT, `sigterm_timeout` seconds later SIGTERM and `sigkill_timeout`
    seconds after that SIGKILL. With `respawn` it starts again `respawn_delay` seconds after each
    end, `respawn_max_retries` times at most (-1: always). `output` is what
    launch.logging.get_output_loggers takes; OVERRIDE_LAUNCH_PROCESS_OUTPUT overrides it.
    """

    def __init__(
        self,
        *,
        process_description: Executable,
        shell: bool = False,
        sigterm_timeout: SomeSubstitutionsType = _SIGTERM_TIMEOUT,
        sigkill_timeout: SomeSubstitutionsType = _SIGKILL_TIMEOUT,
        emulate_tty: bool = False,
        output: SomeSubstitutionsType | Mapping[str, Any] = "log",
        output_format: str = "[{this.process_description.final_name}] {line}",
        cached_output: bool = False,
        log_cmd: bool = False,
        on_exit: Any = None,
        respawn: bool | SomeSubstitutionsType = False,
        respawn_delay: float | None = None,
        respawn_max_retries: int = -1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.process_description = process_description
        self.shell = shell
        self.emulate_tty = emulate_tty
        self.sigterm_timeout = normalize_to_list_of_substitutions(sigterm_timeout)
        self.sigkill_timeout = normalize_to_list_of_substitutions(sigkill_timeout)
        output = os.environ.get("OVERRIDE_LAUNCH_PROCESS_OUTPUT", output)
        self.output: Any = (
            output if isinstance(output, Mapping) else normalize_to_list_of_substitutions(output)
        )
        self._output_format = output_format
        self._cached_output = cached_output
        self._lines = OutputLines(self._log_line, keep=cached_output)
        self._log_cmd = log_cmd
        self._on_exit = on_exit
        self._respawn = normalize_typed_substitution(respawn, bool)
        self._respawn_delay = respawn_delay
        self._respawns_left = respawn_max_retries
        self._task: asyncio.Task[None] | None = None
        self._process: RunningProcess | None = None
        self._last_code: int | None = None
        self._starting = False
        self._timers: list[TimerAction] = []
        self.process_details: dict[str, Any] | None = None

    @property
    def return_code(self) -> int | None:
        """The process's return code, None until it has ended."""
        return self._last_code

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        return self._on_exit if isinstance(self._on_exit, list) else []

    def get_asyncio_future(self) -> asyncio.Future[None] | None:
        return self._task

    def get_stdout(self) -> str:
        """Return what the process has written so far; RuntimeError without cached_output."""
        return self._get_cached(1)

    def get_stderr(self) -> str:
        """Return the same of stderr."""
        return self._get_cached(2)

    def _get_cached(self, fd: int) -> str:
        if not self._cached_output:
            raise RuntimeError("cached output must be true to be able to get what was written")
        return self._lines.kept[fd]

    def prepare(self, context: LaunchContext) -> None:
        """Perform the substitutions."""
        description = self.process_description
        description.prepare(context, self)
        self.process_details = {
            "action": self,
            "name": description.final_name,
            "cmd": description.final_cmd,
            "cwd": description.final_cwd,
            "env": description.final_env,
        }
        self._respawn = perform_typed_substitution(context, self._respawn, bool)

    def execute(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity] | None:
        self.prepare(context)
        name = self.process_description.final_name
        if self._task is not None:
            raise RuntimeError(
                f"ExecuteLocal action '{name}': executed more than once: {self.describe()}"
            )
        if context.is_shutdown or name is None:
            return None
        self._logger = get_logger(name)
        is_plain = isinstance(self.output, Mapping)
        output = self.output if is_plain else perform_substitutions(context, self.output)
        self._loggers = dict(enumerate(get_output_loggers(name, output), start=1))
        for handler in (
            EventHandler(
                matcher=lambda e: isinstance(e, ShutdownProcess) and e.process_matcher(self),
                entities=OpaqueFunction(
                    function=lambda context: self._shutdown_process(context, send_sigint=True)
                ),
            ),
            EventHandler(
                matcher=lambda e: isinstance(e, SignalProcess) and e.process_matcher(self),
                entities=OpaqueFunction(function=self._on_signal),
            ),
            OnProcessIO(target_action=self, on_stdout=self._on_output, on_stderr=self._on_output),
            OnShutdown(on_shutdown=self._on_shutdown),
            OnProcessExit(target_action=self, on_exit=self._on_exit),
            OnProcessExit(target_action=self, on_exit=lambda event, context: self._lines.flush()),
        ):
            context.register_event_handler(handler)
        assert context.asyncio_loop is not None
        self._shutdown = context.asyncio_loop.create_future()
        self._task = context.asyncio_loop.create_task(self._run(context))
        return None

    async def _run(self, context: LaunchContext) -> None:
        """Live once, or again and again."""
        while not self._shutdown.done() and await self._live(context):
            if context.is_shutdown or not self._respawn or self._respawns_left == 0:
                break
            self._respawns_left -= 1
            if self._respawn_delay:
                await asyncio.wait([self._shutdown], timeout=self._respawn_delay)
        for timer in self._timers:
            timer.cancel()

    async def _live(self, context: LaunchContext) -> bool:
        """Start the process and see it through; False where it cannot be started."""
        assert (details := self.process_details) is not None
        cmd = " ".join(word for word in details["cmd"] if word.strip())
        if self._log_cmd:
            self._logger.info(f"process details: cmd='{cmd}', cwd='{details['cwd']}'")

        early: list[tuple[int, bytes]] = []

        def on_output(fd: int, data: bytes) -> None:
            if self._process is None:
                early.append((fd, data))  # it can write before its start is known here
                return
            event = ProcessStdout if fd == 1 else ProcessStderr
            context.emit_event_sync(event(text=data, **details))

        self._starting = True
        try:
            process = await RunningProcess.start(
                details["cmd"],
                on_output,
                cwd=details["cwd"],
                env=details["env"],
                shell=self.shell,
                emulate_tty=self._wants_tty(context),
            )
        except (OSError, ValueError):  # no such file or directory, not executable, a zero byte
            self._logger.error(
                f"exception occurred while executing process:\n{traceback.format_exc()}"
            )
            return False
        finally:
            self._starting = False
        self._process, self._last_code = process, None
        details["pid"] = process.pid
        try:
            self._logger.info(f"process started with pid [{process.pid}]")
            context.emit_event_sync(ProcessStarted(**details))
            for output in early:
                on_output(*output)
            code = self._last_code = await process.wait()
        finally:
            self._process = None
            process.close()
        if code == 0:
            self._logger.info(f"process has finished cleanly [pid {process.pid}]")
        else:
            self._logger.error(
                f"process has died [pid {process.pid}, exit code {code}, cmd '{cmd}']."
            )
        context.emit_event_sync(ProcessExited(returncode=code, **details))
        return True

    def _wants_tty(self, context: LaunchContext) -> bool:
        if (setting := context.launch_configurations.get("emulate_tty")) is None:
            return self.emulate_tty
        return evaluate_condition_expression(context, normalize_to_list_of_substitutions(setting))

    def _on_output(self, event: ProcessIO) -> None:
        self._lines.add(1 if event.from_stdout else 2, event.text)

    def _log_line(self, fd: int, line: str) -> None:
        self._loggers[fd].info(self._output_format.format(line=line, this=self))

    def _on_shutdown(self, event: Event, context: LaunchContext) -> Any:
        # A terminal has given Ctrl-C's SIGINT to the whole process group already.
        by_terminal = isinstance(event, Shutdown) and event.due_to_sigint
        send_sigint = not by_terminal or context.noninteractive
        return self._shutdown_process(context, send_sigint=send_sigint)

    def _shutdown_process(self, context: LaunchContext, *, send_sigint: bool) -> Any:
        if self._task is None or self._task.done() or self._shutdown.done():
            return None
        if self._starting:
            context.register_event_handler(
                OnProcessStart(
                    target_action=self,
                    handle_once=True,
                    on_start=lambda event, context: self._shutdown_process(
                        context, send_sigint=send_sigint
                    ),
                )
            )
            return None
        self._shutdown.set_result(None)
        if self._process is None:
            return None  # before the first life or between two: the next will not begin
        term, kill = self.sigterm_timeout, self.sigkill_timeout
        both = PythonExpression(["float(", *term, ") + float(", *kill, ")"])
        self._timers = [
            self._escalation(term, SIGINT, SIGTERM),
            self._escalation([both], SIGTERM, SIGKILL),
        ]
        sigint = [self._signal_event(SIGINT)] if send_sigint else []
        return [*self._timers, *sigint]

    def _escalation(self, period: Any, before: Signals, then: Signals) -> TimerAction:
        def say(context: LaunchContext) -> None:
            seconds = perform_substitutions(context, period)
            name = self.process_description.final_name
            self._logger.error(_ESCALATION.format(name, seconds, before.name, then.name))

        actions = [OpaqueFunction(function=say), self._signal_event(then)]
        return TimerAction(period=period, actions=actions, cancel_on_shutdown=False)

    def _signal_event(self, signum: Signals) -> EmitEvent:
        event = SignalProcess(signal_number=signum, process_matcher=matches_action(self))
        return EmitEvent(event=event)

    def _on_signal(self, context: LaunchContext) -> None:
        event = context.locals.event
        if self.process_details is None or "pid" not in self.process_details:
            raise RuntimeError("Signal event received before execution.")
        if self._process is None:
            return
        name, signal_name = self.process_description.final_name, event.signal_name
        self._logger.info(f"sending signal '{signal_name}' to process[{name}]")
        self._process.send_signal(Signals[signal_name])
