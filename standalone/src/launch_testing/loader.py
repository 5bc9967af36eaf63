"""Test runs: a test description, its arguments, and the tests for it."""

from __future__ import annotations

import functools
import inspect
import unittest
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from launch import LaunchDescription, LaunchDescriptionEntity

from .actions import ReadyToTest


class TestRun:
    """One launch with its tests, which get as arguments what they name."""

    __test__ = False

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        param_args: dict[str, Any],
        module: ModuleType,
    ) -> None:
        self.name = name
        self.function = function
        self.param_args = param_args
        self.markers: Mapping[str, Any] = getattr(function, "__markers__", {})
        self.pre_shutdown_tests = _Loader(False).loadTestsFromModule(module)
        self.post_shutdown_tests = _Loader(True).loadTestsFromModule(module)
        for case in self.all_cases() if param_args else ():
            method = getattr(case, case._testMethodName)
            case._testMethodName += self._format_params()
            setattr(case, case._testMethodName, method)

    def normalized_test_description(
        self, ready_fn: Callable[[], None] = lambda: None
    ) -> tuple[LaunchDescription, dict[str, Any]]:
        """Return the description, whose ReadyToTest calls `ready_fn`, and the tests' context."""
        result = self.function()
        description, context = result if isinstance(result, tuple) else (result, {})
        ready = next(_ready_actions(description.entities), None)
        if ready is None:
            raise Exception(
                "generate_test_description functions must return a LaunchDescription "
                "containing a ReadyToTest action"
            )
        ready._callbacks.append(ready_fn)
        return description, context

    def validate(self) -> None:
        """Raise Exception where arguments given and arguments taken differ."""
        spec = inspect.getfullargspec(inspect.unwrap(self.function))
        taken = spec.args + spec.kwonlyargs
        for name in self.param_args.keys() - taken:
            raise Exception(
                "Could not find an argument in generate_test_description matching "
                f"prametrized argument '{name}'"
            )
        for name in set(taken) - self.param_args.keys():
            raise Exception(f"generate_test_description has unexpected extra argument '{name}'")

    def all_cases(self) -> Iterator[Any]:
        yield from iterate_tests(self.pre_shutdown_tests)
        yield from iterate_tests(self.post_shutdown_tests)

    def __str__(self) -> str:
        return self.name + self._format_params()

    def _format_params(self) -> str:
        return f"[{', '.join(map(str, self.param_args.values()))}]" if self.param_args else ""


def LoadTestsFromPythonModule(  # noqa: N802
    module: Any, *, name: str = "launch_tests"
) -> list[TestRun]:
    """Return a run for the module's generate_test_description, or for each of its arguments."""
    function = module.generate_test_description
    runs = function() if hasattr(function, "__parametrized__") else [(function, {})]
    return [TestRun(name, function, arguments, module) for function, arguments in runs]


def bind(tests: unittest.TestSuite, values: Mapping[str, Any]) -> None:
    """Give tests and their fixtures the values that they name; the handlers also as attributes."""
    for case in iterate_tests(tests):
        for method in (case._testMethodName, "setUp", "tearDown"):
            setattr(case, method, _partial(getattr(case, method), values))
    for cls in {type(case): None for case in iterate_tests(tests)}:
        for method in ("setUpClass", "tearDownClass"):
            setattr(cls, method, _partial(getattr(cls, method), values))
        for name in ("launch_service", "proc_info", "proc_output", "test_args"):
            if name in values:
                setattr(cls, name, values[name])


def iterate_tests(tests: Any) -> Iterator[Any]:
    """Walk through nested suites."""
    if isinstance(tests, unittest.TestSuite):
        for test in tests:
            yield from iterate_tests(test)
    elif tests is not None:
        yield tests


def _partial(function: Callable[..., Any], values: Mapping[str, Any]) -> Callable[..., Any]:
    names = inspect.signature(function).parameters
    return functools.partial(function, **{k: v for k, v in values.items() if k in names})


def _ready_actions(entities: Any) -> Iterator[ReadyToTest]:
    for entity in entities:
        if isinstance(entity, ReadyToTest):
            yield entity
        if isinstance(entity, LaunchDescriptionEntity):
            yield from _ready_actions(entity.describe_sub_entities())
            for _, below in entity.describe_conditional_sub_entities():
                yield from _ready_actions(below)


class _Loader(unittest.TestLoader):
    """Loads the classes that are, or are not, for after the shutdown."""

    def __init__(self, post_shutdown: bool) -> None:
        super().__init__()
        self._post_shutdown = post_shutdown

    def loadTestsFromTestCase(self, testCaseClass: Any) -> unittest.TestSuite:  # noqa: N802, N803
        if getattr(testCaseClass, "__post_shutdown_test__", False) != self._post_shutdown:
            return unittest.TestSuite()
        # A class of its own for each run: what is bound to one must not reach the next.
        names = {"__module__": testCaseClass.__module__}
        cls = type(testCaseClass.__name__, (testCaseClass,), names)
        return super().loadTestsFromTestCase(cls)
