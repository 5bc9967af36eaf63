import math
import os
import sys

import pytest

from launch import LaunchContext
from launch.conditions import (
    IfCondition,
    InvalidConditionExpressionError,
    LaunchConfigurationEquals,
    LaunchConfigurationNotEquals,
)
from launch.substitutions import (
    AndSubstitution,
    Command,
    EnvironmentVariable,
    EqualsSubstitution,
    FindExecutable,
    LaunchConfiguration,
    LocalSubstitution,
    NotEqualsSubstitution,
    NotSubstitution,
    OrSubstitution,
    PathJoinSubstitution,
    PythonExpression,
    SubstitutionFailure,
    TextSubstitution,
    ThisLaunchFileDir,
)
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from launch.utilities.type_utils import (
    coerce_to_type,
    normalize_typed_substitution,
    perform_typed_substitution,
)


@pytest.fixture
def context():
    made = LaunchContext()
    made.launch_configurations.update(a="1", b="two")
    return made


@pytest.mark.parametrize(
    "substitution, text, description",
    [
        (TextSubstitution(text="x"), "x", "'x'"),
        (LaunchConfiguration("a"), "1", "LaunchConfig('a')"),
        (LaunchConfiguration("c", default=5), "5", "LaunchConfig('c')"),
        (LaunchConfiguration(["", "b"]), "two", "LaunchConfig('' + 'b')"),
        (
            PathJoinSubstitution(["x", LaunchConfiguration("b")]),
            os.path.join("x", "two"),
            "PathJoin(''x' + LaunchConfig('b')')",
        ),
        (EnvironmentVariable("NO_", default_value=["d"]), "d", "EnvVar('NO_')"),
        (
            PythonExpression([LaunchConfiguration("a"), " + 1"]),
            "2",
            "PythonExpr(LaunchConfig('a') + ' + 1', ['math'])",
        ),
        (PythonExpression("pi"), str(math.pi), "PythonExpr('pi', ['math'])"),
        (PythonExpression("os.sep", ["os"]), os.sep, "PythonExpr('os.sep', ['os'])"),
        (Command([sys.executable, " -c 'print(1)'"]), "1\n", None),
        (FindExecutable(name="sh"), None, "FindExec('sh')"),
        (EqualsSubstitution(LaunchConfiguration("a"), True), "true", None),
        (EqualsSubstitution("1.0", 1), "true", None),
        (EqualsSubstitution("x", "y"), "false", None),
        (EqualsSubstitution(None, ""), "true", None),
        (NotEqualsSubstitution("x", "y"), "true", None),
        (NotSubstitution("true"), "false", None),
        (AndSubstitution("true", "false"), "false", None),
        (OrSubstitution("1", "0"), "true", None),
    ],
)
def test_substitution(context, substitution, text, description):
    performed = substitution.perform(context)
    assert text is None or performed == text
    assert description is None or substitution.describe() == description


@pytest.mark.parametrize(
    "substitution",
    [
        LaunchConfiguration("c"),
        EnvironmentVariable("NO_"),
        ThisLaunchFileDir(),
        NotSubstitution("x y"),
        AndSubstitution("true", "5"),
        FindExecutable(name="no_such_thing"),
        Command("no_such_thing"),
        Command("false"),
        Command("true", on_stderr="no"),
        Command([sys.executable, " -c 'import sys; sys.stderr.write(str(1))'"]),
    ],
)
def test_failure(context, substitution):
    with pytest.raises(SubstitutionFailure):
        substitution.perform(context)


def test_local(context):
    context.extend_locals({"d": {"k": "v"}})
    assert LocalSubstitution("d['k']").perform(context) == "v"


def test_normalisation(context):
    subs = normalize_to_list_of_substitutions(["x", LaunchConfiguration("a")])
    assert perform_substitutions(context, subs) == "x1"
    with pytest.raises(TypeError):
        normalize_to_list_of_substitutions([1])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_conditions_on_configurations(context):
    assert LaunchConfigurationEquals("a", "1").evaluate(context)
    assert not LaunchConfigurationEquals("c", "1").evaluate(context)
    assert LaunchConfigurationEquals("c", None).evaluate(context)
    assert LaunchConfigurationNotEquals("a", "2").evaluate(context)
    with pytest.raises(InvalidConditionExpressionError, match="true, 1, false, 0"):
        IfCondition(LaunchConfiguration("b")).evaluate(context)


@pytest.mark.parametrize(
    "text, kind, value",
    [
        ("1", None, 1),
        ("1", str, "1"),
        ("1", bool, True),
        ("yes", bool, True),
        ("1.5", float, 1.5),
        ("[1, 2]", list[int], [1, 2]),
        ("a", None, "a"),
        ("1.5", int, ValueError),
        ("[1, a]", list[int], ValueError),
        ("x", bool, ValueError),
        ("{a: 1}", None, ValueError),
    ],
)
def test_types_of_text(text, kind, value):
    if isinstance(value, type):
        with pytest.raises(value):
            coerce_to_type(text, kind)
    else:
        assert coerce_to_type(text, kind) == value


@pytest.mark.parametrize(
    "given, kind, value",
    [
        (1, int, 1),
        (LaunchConfiguration("a"), int, 1),
        (["x", LaunchConfiguration("a")], str, "x1"),
        ([1, LaunchConfiguration("a")], list[int], [1, 1]),
        ([1, 2.5], list[float], [1.0, 2.5]),
        ("text", None, "text"),
        ("text", int, TypeError),
        ([1, "x"], list[int], TypeError),
    ],
)
def test_typed_substitutions(context, given, kind, value):
    if isinstance(value, type):
        with pytest.raises(value):
            normalize_typed_substitution(given, kind)
    else:
        normal = normalize_typed_substitution(given, kind)
        assert perform_typed_substitution(context, normal, kind) == value
