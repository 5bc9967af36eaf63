"""LaunchTestRunner: launches, runs the tests meanwhile, and those for afterwards."""

from __future__ import annotations

import threading
import unittest
from collections.abc import Iterable, Sequence

from launch import LaunchDescription, LaunchDescriptionSource, LaunchService
from launch.actions import IncludeLaunchDescription, RegisterEventHandler
from launch.event_handlers import OnProcessExit, OnProcessIO, OnProcessStart
from vla_ros_standalone import parse_launch_arguments

from .handlers import ActiveIoHandler, ActiveProcInfoHandler
from .loader import TestRun, bind

READY_TIMEOUT_S = 15


class _LaunchDied(Exception):
    pass


class _Worker:
    """Runs one test run; its results are put together in `result`."""

    def __init__(self, run: TestRun, arguments: Sequence[str], debug: bool) -> None:
        self._run = run
        self._arguments = parse_launch_arguments(arguments)
        self._service = LaunchService(debug=debug)
        self._ready, self._completed = threading.Event(), threading.Event()
        self._info, self._output = ActiveProcInfoHandler(), ActiveIoHandler()
        self.result = unittest.TestResult()

    def run(self) -> None:
        """Run the tests before and after the shutdown; _LaunchDied where that comes too early."""
        description, context = self._run.normalized_test_description(self._ready.set)
        values = {
            **context,
            **self._run.param_args,
            "proc_info": self._info,
            "proc_output": self._output,
            "test_args": dict(self._arguments),
        }
        bind(self._run.pre_shutdown_tests, {**values, "launch_service": self._service})
        bind(self._run.post_shutdown_tests, values)
        self._service.include_launch_description(self._around(description))
        threading.Thread(target=self._test, name="test_runner_thread", daemon=True).start()
        self._service.run(shutdown_when_idle=not self._run.markers.get("keep_alive", False))
        if not self._completed.is_set():
            print("Processes under test stopped before tests completed")
            self._print_failed()
            raise _LaunchDied
        self._run_suite(self._run.post_shutdown_tests)

    def _around(self, description: LaunchDescription) -> LaunchDescription:
        info, output = self._info, self._output
        handlers = [
            OnProcessStart(on_start=lambda event, _: info.append(event)),
            OnProcessStart(on_start=lambda event, _: output.track(event.process_name)),
            OnProcessExit(on_exit=lambda event, _: info.append(event)),
            OnProcessIO(on_stdout=output.append, on_stderr=output.append),
        ]
        source = LaunchDescriptionSource(launch_description=description)
        include = IncludeLaunchDescription(source, launch_arguments=self._arguments)
        return LaunchDescription([*map(RegisterEventHandler, handlers), include])

    def _test(self) -> None:
        try:
            if not self._ready.wait(READY_TIMEOUT_S):
                print("Timed out waiting for processes to start up")
                return
            self._run_suite(self._run.pre_shutdown_tests)
            self._completed.set()
        finally:
            self._service.shutdown()

    def _run_suite(self, suite: unittest.TestSuite) -> None:
        part = unittest.TextTestRunner(verbosity=2).run(suite)
        self.result.testsRun += part.testsRun
        for name in ("failures", "errors", "skipped", "expectedFailures", "unexpectedSuccesses"):
            getattr(self.result, name).extend(getattr(part, name))

    def _print_failed(self) -> None:
        for event in self._info:
            code = getattr(event, "returncode", None)
            if code == 0:
                continue
            name = event.process_name
            print(f"Process '{name}' exited with {code}")
            print(f"##### '{name}' output #####")
            for io in self._output[event.action]:
                print(io.text.decode(errors="replace"))
            print("#" * (len(name) + 21))


class LaunchTestRunner:
    """Runs test runs one after the other, until one's processes die before its tests are over."""

    def __init__(
        self,
        test_runs: Iterable[TestRun],
        launch_file_arguments: Sequence[str] = (),
        debug: bool = False,
    ) -> None:
        self._runs = list(test_runs)
        self._arguments, self._debug = launch_file_arguments, debug

    def validate(self) -> None:
        """Raise Exception where a test description cannot be called."""
        for run in self._runs:
            run.validate()

    def run(self) -> dict[TestRun, unittest.TestResult]:
        """Return one result for each run."""
        results: dict[TestRun, unittest.TestResult] = {}
        for run in self._runs:
            if len(self._runs) > 1:
                print(f"\nStarting test run {run}")
            worker = _Worker(run, self._arguments, self._debug)
            results[run] = worker.result
            try:
                worker.run()
            except unittest.SkipTest as reason:
                print(f"{run} is skipped: {reason}")
                for case in run.all_cases():
                    worker.result.addSkip(case, str(reason))
            except _LaunchDied:
                error = Exception("Launch stopped before the active tests finished.")
                for case in run.all_cases():
                    worker.result.addFailure(case, (Exception, error, None))  # type: ignore[arg-type]
                break
        return results
