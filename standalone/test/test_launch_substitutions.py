import math
import os

import pytest

from launch import LaunchContext
from launch.conditions import (
    IfCondition,
    InvalidConditionExpressionError,
    UnlessCondition,
)
from launch.substitutions import (
    EnvironmentVariable,
    EqualsSubstitution,
    LaunchConfiguration,
    NotEqualsSubstitution,
    PathJoinSubstitution,
    PythonExpression,
    SubstitutionFailure,
    TextSubstitution,
    ThisLaunchFileDir,
)
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions


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
        (EqualsSubstitution(LaunchConfiguration("a"), True), "true", None),
        (EqualsSubstitution("1.0", 1), "true", None),
        (EqualsSubstitution("x", "y"), "false", None),
        (EqualsSubstitution(None, ""), "true", None),
        (NotEqualsSubstitution("x", "y"), "true", None),
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
    ],
)
def test_failure(context, substitution):
    with pytest.raises(SubstitutionFailure):
        substitution.perform(context)


def test_normalisation(context):
    subs = normalize_to_list_of_substitutions(["x", LaunchConfiguration("a")])
    assert perform_substitutions(context, subs) == "x1"
    with pytest.raises(TypeError):
        normalize_to_list_of_substitutions([1])


def test_conditions(context):
    assert IfCondition(LaunchConfiguration("a")).evaluate(context)
    assert UnlessCondition(" FALSE ").evaluate(context)
    with pytest.raises(InvalidConditionExpressionError, match="true, 1, false, 0"):
        IfCondition(LaunchConfiguration("b")).evaluate(context)
