"""ExecuteProcess."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import itertools
import os
import shlex
import traceback
from collections.abc import Iterable, Mapping
from signal import SIGINT, SIGKILL, SIGTERM, Signals
from typing import Any

from .conditions import evaluate_condition_expression
from .event_handlers import EventHandler, OnProcessExit, OnShutdown
from .events import Event, Shutdown
from .events.process import (
    ProcessExited,
    ProcessIO,
    ProcessStarted,
    ShutdownProcess,
    SignalProcess,
)
from .launch_context import LaunchContext
from .launch_description import Action, LaunchDescriptionEntity
from .logging import get_logger, get_output_loggers
from .running_process import RunningProcess
from .substitutions import (
    LaunchConfiguration,
    SomeSubstitutionsType,
    normalize_to_list_of_substitutions,
    text_of,
)
from .utilities.type_utils import normalize_typed_substitution, perform_typed_substitution

Text = SomeSubstitutionsType
_counter = itertools.count(1)
_PREFIX = LaunchConfiguration("launch-prefix", default="")
_SIGTERM_TIMEOUT = LaunchConfiguration("sigterm_timeout", default=5)
_SIGKILL_TIMEOUT = LaunchConfiguration("sigkill_timeout", default=5)


class ExecuteProcess(Action):
    """Runs a process: its lines are logged, its start, output and end are emitted as events.

    `prefix` goes before the command and defaults to the launch configuration `launch-prefix`.
    `env` replaces the environment, `additional_env` adds to it. `output` is what
    launch.logging.get_output_loggers takes; OVERRIDE_LAUNCH_PROCESS_OUTPUT overrides it. At
    shutdown the process gets SIGINT, `sigterm_timeout` seconds later SIGTERM and
    `sigkill_timeout` seconds after that SIGKILL. With `respawn` it starts again `respawn_delay`
    seconds after each end, `respawn_max_retries` times at most (-1: always).
    """

    def __init__(
        self,
        *,
        cmd: Iterable[Text],
        prefix: Text | None = None,
        name: Text | None = None,
        cwd: Text | None = None,
        env: Mapping[Text, Text] | None = None,
        additional_env: Mapping[Text, Text] | None = None,
        shell: bool = False,
        emulate_tty: bool = False,
        output: Text | Mapping[str, Any] = "log",
        sigterm_timeout: Text = _SIGTERM_TIMEOUT,
        sigkill_timeout: Text = _SIGKILL_TIMEOUT,
        on_exit: Any = None,
        respawn: bool | Text = False,
        respawn_delay: float | None = None,
        respawn_max_retries: int = -1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._cmd = [normalize_to_list_of_substitutions(word) for word in cmd]
        self._prefix = (
            LaunchConfiguration("launch-prefix", default="") if prefix is None else prefix
        )
        self._name, self.cwd, self.env = name, cwd, env
        self.additional_env = additional_env
        self.shell = shell
        self._emulate_tty = emulate_tty
        self._output = os.environ.get("OVERRIDE_LAUNCH_PROCESS_OUTPUT", output)
        self._timeouts = sigterm_timeout, sigkill_timeout
        self._on_exit = on_exit
        self._respawn = normalize_typed_substitution(respawn, bool)
        self._respawn_delay, self._respawns_left = respawn_delay, respawn_max_retries
        self._task: asyncio.Task[None] | None = None
        self._process: RunningProcess | None = None
        self.process_details: dict[str, Any] | None = None
        self.return_code: int | None = None
        """None until the process has ended."""

    @property
    def cmd(self) -> list[Any]:
        """The words as substitutions, and as they were run once they were."""
        details = self.process_details
        return self._cmd if details is None else details["cmd"]

    @property
    def name(self) -> Any:
        return self._name if self.process_details is None else self.process_details["name"]

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        return self._on_exit if isinstance(self._on_exit, list) else []

    def get_asyncio_future(self) -> asyncio.Future[None] | None:
        return self._task

    def _prepare(self, context: LaunchContext) -> None:
        """Perform the substitutions; the name gets a number that no other process has."""

        def pairs(env: Mapping[Text, Text] | None) -> dict[str, str]:
            return {text_of(context, k): text_of(context, v) for k, v in (env or {}).items()}

        cmd = [*shlex.split(text_of(context, self._prefix))]
        cmd += [text_of(context, word) for word in self._cmd]
        name = os.path.basename(cmd[0]) if self._name is None else text_of(context, self._name)
        env = dict(context.environment) if self.env is None else pairs(self.env)
        self.process_details = {
            "action": self,
            "name": f"{name}-{next(_counter)}",
            "cmd": cmd,
            "cwd": None if self.cwd is None else text_of(context, self.cwd),
            "env": {**env, **pairs(self.additional_env)},
        }
        self._respawn = perform_typed_substitution(context, self._respawn, bool)
        if (setting := context.launch_configurations.get("emulate_tty")) is not None:
            subs = normalize_to_list_of_substitutions(setting)
            self._emulate_tty = evaluate_condition_expression(context, subs)

    def execute(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity] | None:
        if self._task is not None:
            raise RuntimeError(f"ExecuteProcess action '{self.name}': executed more than once")
        self._prepare(context)
        if context.is_shutdown:
            return None
        output = self._output
        output = output if isinstance(output, Mapping) else text_of(context, output)
        self._logger = get_logger(self.name)
        self._loggers = dict(enumerate(get_output_loggers(self.name, output), start=1))

        def is_for_this(event: Any, kind: type[Any]) -> bool:
            return isinstance(event, kind) and event.process_matcher(self)

        for handler in (
            EventHandler(
                matcher=lambda event: is_for_this(event, ShutdownProcess),
                entities=lambda event, context: self._shut_down(context, send_sigint=True),
            ),
            EventHandler(
                matcher=lambda event: is_for_this(event, SignalProcess),
                entities=lambda event, context: self._signal(Signals[event.signal_name]),
            ),
            OnShutdown(on_shutdown=self._on_shutdown),
            OnProcessExit(target_action=self, on_exit=self._on_exit),
        ):
            context.register_event_handler(handler)
        assert context.asyncio_loop is not None
        self._stop = asyncio.Event()
        self._task = context.asyncio_loop.create_task(self._run(context))
        return None

    async def _run(self, context: LaunchContext) -> None:
        """Live once, or again and again."""
        while not self._stop.is_set() and await self._live(context):
            if context.is_shutdown or not self._respawn or self._respawns_left == 0:
                break
            self._respawns_left -= 1
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._respawn_delay or 0)

    async def _live(self, context: LaunchContext) -> bool:
        """Start the process and see it through; False where it cannot be started."""
        assert (details := self.process_details) is not None
        options = {"cwd": details["cwd"], "env": details["env"], "shell": self.shell}
        try:
            process = await RunningProcess.start(details["cmd"], self._emulate_tty, **options)
        except (OSError, ValueError):  # no such file or directory, not executable, a zero byte
            self._logger.error(
                f"exception occurred while executing process:\n{traceback.format_exc()}"
            )
            return False
        self._process, self.return_code = process, None
        details["pid"] = process.pid
        escalation = asyncio.ensure_future(self._escalate())
        try:
            self._logger.info(f"process started with pid [{process.pid}]")
            context.emit_event_sync(ProcessStarted(**details))
            code = self.return_code = await process.wait(self._on_output(context))
        finally:
            escalation.cancel()
            self._process = None
            process.close()
        if code == 0:
            self._logger.info(f"process has finished cleanly [pid {process.pid}]")
        else:
            cmd = " ".join(word for word in details["cmd"] if word.strip())
            self._logger.error(
                f"process has died [pid {process.pid}, exit code {code}, cmd '{cmd}']."
            )
        context.emit_event_sync(ProcessExited(returncode=code, **details))
        return True

    def _on_output(self, context: LaunchContext) -> Any:
        """Return a function that logs the whole lines of what is written; b'' ends the last."""
        # Bytes arrive in chunks that can end within a line, or within a letter.
        decoders = {fd: codecs.getincrementaldecoder("utf-8")("replace") for fd in (1, 2)}
        partial = {1: "", 2: ""}

        def on_output(fd: int, data: bytes) -> None:
            text = partial[fd] + decoders[fd].decode(data, final=not data)
            text = text.replace("\r\n", "\n")
            *lines, partial[fd] = text.split("\n") if data or not text else [text, ""]
            for line in lines:
                self._loggers[fd].info(f"[{self.name}] {line}")
            if data:
                context.emit_event_sync(ProcessIO(text=data, fd=fd, **self.process_details or {}))

        return on_output

    def _on_shutdown(self, event: Event, context: LaunchContext) -> None:
        # A terminal has given Ctrl-C's SIGINT to the whole process group already.
        by_terminal = isinstance(event, Shutdown) and event.due_to_sigint
        self._shut_down(context, send_sigint=not by_terminal or context.noninteractive)

    def _shut_down(self, context: LaunchContext, *, send_sigint: bool) -> None:
        if self._task is None or self._task.done() or self._stop.is_set():
            return
        self._seconds = [text_of(context, timeout) for timeout in self._timeouts]
        self._seconds[1] = str(sum(float(text) for text in self._seconds))
        self._send_sigint = send_sigint
        self._stop.set()

    async def _escalate(self) -> None:
        """Wait for the shutdown, and end the process if need be by force."""
        await self._stop.wait()
        if self._send_sigint:
            self._signal(SIGINT)
        waited = 0.0
        for seconds, before, then in zip(self._seconds, (SIGINT, SIGTERM), (SIGTERM, SIGKILL)):
            await asyncio.sleep(float(seconds) - waited)
            waited = float(seconds)
            self._logger.error(
                f"process[{self.name}] failed to terminate '{seconds}' seconds after receiving "
                f"'{before.name}', escalating to '{then.name}'"
            )
            self._signal(then)

    def _signal(self, signum: Signals) -> None:
        if self.process_details is None or "pid" not in self.process_details:
            raise RuntimeError("Signal event received before execution.")
        if self._process is not None:
            self._logger.info(f"sending signal '{signum.name}' to process[{self.name}]")
            self._process.send_signal(signum)
