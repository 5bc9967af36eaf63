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

from .event import Event
from .event_handlers import OnIncludeLaunchDescription, OnShutdown
from .events import IncludeLaunchDescription, Shutdown
from .launch_context import LaunchContext
from .launch_description import LaunchDescription
from .launch_description_entity import LaunchDescriptionEntity
from .logging import get_logger, launch_config, log_launch_config


class LaunchService:
    """The event loop of a launch; `noninteractive` means that no terminal sends Ctrl-C's SIGINT."""

    def __init__(
        self,
        *,
        argv: Iterable[str] | None = None,
        noninteractive: bool = False,
        debug: bool = False,
    ) -> None:
        launch_config.level = logging.DEBUG if debug else logging.INFO
        self._debug = debug
        self._logger = get_logger("launch")
        self.context = LaunchContext(argv=argv, noninteractive=noninteractive)
        self.context.register_event_handler(OnIncludeLaunchDescription())
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
            log_launch_config(logger=self._logger)
            try:
                await self._loop(shutdown_when_idle)
            except asyncio.CancelledError:
                self._logger.error("run task was canceled")
                self._return_code = 1
            finally:
                await self._cancel_rest()
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
        pending = [f for f in self._futures if not f.done()]
        done, self._futures = [f for f in self._futures if f.done()], pending
        completions = self.context._completion_futures
        done += [f for f in completions if f.done()]
        completions[:] = [f for f in completions if not f.done()]
        for future in done:
            if not future.cancelled():
                future.result()
        return bool(pending or completions)

    def _process_event(self, event: Event) -> None:
        self._logger.debug(f"processing event: '{event}'")
        context = self.context
        for handler in tuple(context._event_handlers):
            if not handler.matches(event):
                continue
            context._push_locals()
            try:
                found = handler.handle(event, context)
                entities = found if isinstance(found, Iterable) else (found,)
                for entity in entities:
                    if entity is not None:
                        self._visit(entity)
            finally:
                context._pop_locals()

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

    async def _cancel_rest(self) -> None:
        """End what an exception or a second SIGTERM has left: no process outlives the launch."""
        for future in self._futures:
            future.cancel()
        await asyncio.gather(*self._futures, return_exceptions=True)

    def _shutdown(self, reason: str, due_to_sigint: bool = False) -> None:
        if not self._shutting_down:
            self._shutting_down = True
            self.context.is_shutdown = True
            self.emit_event(Shutdown(reason=reason, due_to_sigint=due_to_sigint))

    def _on_shutdown(self, event: Event, context: LaunchContext) -> None:
        self._shutting_down = True
        context.is_shutdown = True

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
        try:
            with _signals(loop, self._on_sigint, self._on_sigterm):
                yield
        finally:
            with self._lock:
                self.context._wake_up = lambda: None
                self.event_loop = self.context.asyncio_loop = None
                self._shutting_down = False

    def _on_sigint(self) -> None:
        message = "user interrupted with ctrl-c (SIGINT)"
        if self._shutting_down:
            message += " again, ignoring..."
        self._logger.warning(message)
        self._shutdown("ctrl-c (SIGINT)", due_to_sigint=True)

    def _on_sigterm(self, signum: signal.Signals) -> None:
        self._return_code = 1
        if self._shutting_down and self.task is not None:
            self._logger.error(f"{signum.name} while shutting down: killing what is left")
            self.task.cancel()
            return
        self._logger.error(f"{signum.name}: shutting down")
        self._shutdown(signum.name)


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop, on_sigint: Any, on_sigterm: Any) -> Iterator[None]:
    before = {}
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        before[signum] = signal.getsignal(signum)
        if signum == signal.SIGINT:
            loop.add_signal_handler(signum, on_sigint)
        else:
            loop.add_signal_handler(signum, on_sigterm, signum)
    try:
        yield
    finally:
        for signum, handler in before.items():
            loop.remove_signal_handler(signum)
            if handler is not None:
                signal.signal(signum, handler)
