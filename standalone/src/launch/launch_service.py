"""LaunchService: visits launch descriptions and sees what they started through to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

from .event_handlers import EventHandler, OnShutdown
from .events import Event, IncludeLaunchDescription, Shutdown
from .launch_context import LaunchContext
from .launch_description import LaunchDescription, LaunchDescriptionEntity
from .logging import get_logger, launch_config


class LaunchService:
    """The event loop of a launch; `noninteractive` means that no terminal sends Ctrl-C's SIGINT."""

    def __init__(
        self,
        *,
        argv: Iterable[str] | None = None,
        noninteractive: bool = False,
        debug: bool = False,
    ) -> None:
        logging.root.setLevel(logging.DEBUG if debug else logging.INFO)
        self._debug = debug
        self._logger = get_logger("launch")
        self.context = LaunchContext(argv=argv, noninteractive=noninteractive)
        include = EventHandler(
            matcher=lambda event: isinstance(event, IncludeLaunchDescription),
            entities=lambda event, _: [event.launch_description],
        )
        self.context.register_event_handler(include)
        self.context.register_event_handler(OnShutdown(on_shutdown=self._on_shutdown))
        self._futures: list[asyncio.Future[Any]] = []
        self._lock = threading.RLock()
        self._shutting_down = False
        self._return_code = 0
        self.event_loop: asyncio.AbstractEventLoop | None = None
        self.task: asyncio.Task[Any] | None = None

    def emit_event(self, event: Event) -> None:
        """Emit an event from any thread; where nothing runs yet, it waits for the run."""
        with self._lock:
            loop = self.event_loop
            if loop is None or self._in_loop():
                self.context.emit_event_sync(event)
                return
            future = asyncio.run_coroutine_threadsafe(self.context.emit_event(event), loop)
        future.result()

    def include_launch_description(self, launch_description: LaunchDescription) -> None:
        """Visit a launch description, from any thread."""
        self.emit_event(IncludeLaunchDescription(launch_description))

    def shutdown(self, force_sync: bool = False) -> asyncio.Future[None] | None:
        """Shut down, from any thread; in the loop's own thread the result may be awaited."""
        with self._lock:
            loop = self.event_loop
            if loop is None:
                return None
            self._shutdown("LaunchService.shutdown() called")
        if force_sync or not self._in_loop():
            return None
        done = loop.create_future()
        done.set_result(None)
        return done

    def run(self, *, shutdown_when_idle: bool = True) -> int:
        """Run until shut down and return 0, or 1 after any error; only in the main thread."""
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(self.run_async(shutdown_when_idle=shutdown_when_idle))
        finally:
            loop.close()

    async def run_async(self, *, shutdown_when_idle: bool = True) -> int:
        """Do what `run` does in a loop that is running already."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("LaunchService can only be run in the main thread.")
        self._return_code = 0
        self._awake = asyncio.Event()
        with self._running():
            self._logger.info(f"All log files can be found below {launch_config.log_dir}")
            level = logging.getLevelName(logging.root.level)
            self._logger.info(f"Default logging verbosity is set to {level}")
            try:
                await self._loop(shutdown_when_idle)
            except asyncio.CancelledError:
                self._logger.error("run task was canceled")
                self._return_code = 1
            finally:  # no process outlives the launch
                for future in self._futures:
                    future.cancel()
                await asyncio.gather(*self._futures, return_exceptions=True)
        return self._return_code

    async def _loop(self, shutdown_when_idle: bool) -> None:
        queue = self.context._event_queue
        while True:
            try:
                while queue:
                    self._process_event(queue.popleft())
                    await asyncio.sleep(0)  # let the processes' output in between
                if not self._still_going():
                    if self._shutting_down:
                        return
                    if shutdown_when_idle:
                        self._shutdown("idle")
                        continue
                await self._awake.wait()
                self._awake.clear()
            except Exception as error:  # a launch file's code can fail in any way
                message = f"Caught exception in launch (see debug for traceback): {error}"
                self._logger.debug(traceback.format_exc())
                self._logger.error(message)
                self._return_code = 1
                self._shutdown(message)

    def _still_going(self) -> bool:
        """Forget futures that are done; an exception of one of them is raised here."""
        done = [future for future in self._futures if future.done()]
        self._futures = [future for future in self._futures if not future.done()]
        for future in done:
            if not future.cancelled():
                future.result()
        return bool(self._futures)

    def _process_event(self, event: Event) -> None:
        self._logger.debug(f"processing event: '{event}'")
        context = self.context
        for handler in tuple(context._event_handlers):
            if not handler.matches(event):
                continue
            before = dict(context._locals)
            try:
                found = handler.handle(event, context)
                for entity in found if isinstance(found, Iterable) else (found,):
                    if entity is not None:
                        self._visit(entity)
            finally:
                context._locals = before

    def _visit(self, entity: object) -> None:
        if not isinstance(entity, LaunchDescriptionEntity):
            raise RuntimeError(
                f"expected a LaunchDescriptionEntity from event_handler, got '{entity}'"
            )
        sub_entities = entity.visit(self.context)
        future = entity.get_asyncio_future()
        if future is not None:
            self._futures.append(future)
            future.add_done_callback(lambda _: self._awake.set())
        for sub_entity in sub_entities or ():
            self._visit(sub_entity)

    def _shutdown(self, reason: str, due_to_sigint: bool = False) -> None:
        if not self._shutting_down:
            self._on_shutdown()
            self.emit_event(Shutdown(reason=reason, due_to_sigint=due_to_sigint))

    def _on_shutdown(self, *_: object) -> None:
        self._shutting_down = self.context.is_shutdown = True

    def _in_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self.event_loop
        except RuntimeError:
            return False

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        with self._lock:
            if self.event_loop is not None:
                raise RuntimeError("LaunchService cannot be run multiple times concurrently.")
            loop.set_debug(self._debug)
            self.event_loop = self.context.asyncio_loop = loop
            self.task = asyncio.current_task()
            self.context._wake_up = self._awake.set
        handlers = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)}
        for signum in handlers:
            loop.add_signal_handler(signum, self._on_signal, signum)
        try:
            yield
        finally:
            for signum, handler in handlers.items():
                loop.remove_signal_handler(signum)
                if handler is not None:
                    signal.signal(signum, handler)
            with self._lock:
                self.context._wake_up = lambda: None
                self.event_loop = self.context.asyncio_loop = None
                self._shutting_down = False

    def _on_signal(self, signum: signal.Signals) -> None:
        if signum == signal.SIGINT:
            message = "user interrupted with ctrl-c (SIGINT)"
            self._logger.warning(message + " again, ignoring..." * self._shutting_down)
            self._shutdown("ctrl-c (SIGINT)", due_to_sigint=True)
            return
        self._return_code = 1
        if self._shutting_down and self.task is not None:
            self._logger.error(f"{signum.name} while shutting down: killing what is left")
            self.task.cancel()
            return
        self._logger.error(f"{signum.name}: shutting down")
        self._shutdown(signum.name)
