"""The command lines that launch_ros makes, and nodes that really get them."""

import os
import sys

import pytest
import yaml

from launch import LaunchContext, LaunchDescription, LaunchService
from launch.actions import GroupAction, SetLaunchConfiguration
from launch.substitutions import LaunchConfiguration, SubstitutionFailure
from launch_ros.actions import Node, PushROSNamespace, PushRosNamespace, SetParameter
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue
from launch_ros.substitutions import ExecutableInPackage, FindPackagePrefix, FindPackageShare
from launch_ros.utilities import (
    evaluate_parameters,
    make_namespace_absolute,
    normalize_parameters,
    prefix_namespace,
)

SCRIPT = """#!{python}
import sys
print(sys.argv[1:])
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package with an executable that prints its arguments."""
    for folder in (
        "lib/some_package",
        "share/some_package",
        "share/ament_index/resource_index/packages",
    ):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "share/ament_index/resource_index/packages/some_package").touch()
    script = tmp_path / "lib/some_package/talker"
    script.write_text(SCRIPT.format(python=sys.executable))
    script.chmod(0o755)
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path}{os.pathsep}{sys.prefix}")
    return tmp_path


def command(*around, **kwargs):
    """Return what a node's command is behind the executable's name, and the action."""
    kwargs = {"package": "some_package", "executable": "talker", **kwargs}
    node = Node(**kwargs)
    service = LaunchService(noninteractive=True)
    service.include_launch_description(LaunchDescription([*around, node]))
    assert service.run() == 0
    return node.cmd[1:], node


def test_a_bare_node(package):
    words, node = command()
    assert words == ["--ros-args"]
    assert node.cmd[0] == str(package / "lib/some_package/talker")
    assert node.node_name == "<node_namespace_unspecified>/<node_name_unspecified>"
    assert not node.is_node_name_fully_specified()
    with pytest.raises(RuntimeError):
        _ = Node(executable="x").node_name


def test_the_executable_can_be_a_path(package):
    words, _ = command(package=None, executable=[str(package), "/lib/some_package/talker"])
    assert words == ["--ros-args"]


def test_name_namespace_remappings_and_arguments(package):
    words, node = command(
        SetLaunchConfiguration("n", "me"),
        name=LaunchConfiguration("n"),
        namespace="there",
        remappings=[("a", ["b", LaunchConfiguration("n")])],
        arguments=["--flag"],
        ros_arguments=["--log-level", "debug"],
    )
    assert words == [
        *("--flag", "--ros-args", "--log-level", "debug", "--ros-args"),
        *("-r", "__node:=me", "-r", "__ns:=/there", "-r", "a:=bme"),
    ]
    assert node.node_name == "/there/me"


def test_pushed_namespaces(package):
    assert PushRosNamespace is PushROSNamespace
    words, _ = command(PushROSNamespace("a"), PushROSNamespace("b"), namespace="c")
    assert words[-1] == "__ns:=/a/b/c"
    words, _ = command(PushROSNamespace("a"), namespace="/c")
    assert words[-1] == "__ns:=/c"
    words, _ = command(GroupAction([PushROSNamespace("a")]))
    assert words == ["--ros-args"]
    with pytest.raises(SubstitutionFailure, match="invalid"):
        PushROSNamespace("1/").execute(LaunchContext())


def parameters_of(words):
    """Return the contents of the parameter files in a command."""
    files = [words[i + 1] for i, word in enumerate(words) if word == "--params-file"]
    return [yaml.load(open(path), yaml.FullLoader) for path in files]


def test_parameters_from_dicts_and_files(package, tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text("/**:\n  ros__parameters: {b: 2}\n")
    words, _ = command(
        SetLaunchConfiguration("v", "5"),
        name="me",
        namespace="/",
        parameters=[
            {"a": {"b": 1, "c": [1.0, 2]}, "s": "true", "t": [LaunchConfiguration("v"), "0"]},
            str(file),
            ParameterFile(file),
            {"x": ParameterValue(LaunchConfiguration("v"), value_type=str), "y": ["p", "q"]},
        ],
    )
    first, second, third, fourth = parameters_of(words)
    expected = {"a.b": 1, "a.c": [1.0, 2.0], "s": "true", "t": 50}
    given = first["/me"]["ros__parameters"]
    assert {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()} == expected
    assert second == third == {"/**": {"ros__parameters": {"b": 2}}}
    given = fourth["/me"]["ros__parameters"]
    assert (given["x"], list(given["y"])) == ("5", ["p", "q"])


def test_parameters_of_a_node_without_a_full_name_are_for_all_names(package):
    words, _ = command(name="me", parameters=[{"a": 1}])
    assert parameters_of(words) == [{"/**": {"ros__parameters": {"a": 1}}}]


def test_a_parameter_file_that_is_absent_is_left_out(package, capfd):
    words, _ = command(parameters=["/no/such.yaml"])
    assert words == ["--ros-args"]
    assert "Parameter file path is not a file: /no/such.yaml" in capfd.readouterr().out


def test_set_parameter_ends_with_the_group(package):
    words, _ = command(
        SetParameter("a", 1),
        SetLaunchConfiguration("v", "x"),
        SetParameter([LaunchConfiguration("v"), "y"], LaunchConfiguration("v")),
    )
    assert words == ["--ros-args", "-p", "a:=1", "-p", "xy:=x"]
    words, _ = command(GroupAction([SetParameter("a", 1)]))
    assert words == ["--ros-args"]


@pytest.mark.parametrize(
    "given, value",
    [
        ({"a": 1}, {"a": 1}),
        ({"a": {"b": {"c": "1"}}}, {"a.b.c": "1"}),
        ({"a": LaunchConfiguration("one")}, {"a": 1}),
        ({"a": ["x", LaunchConfiguration("one")]}, {"a": "x1"}),
        ({"a": [["1"], ["2"]]}, {"a": (1, 2)}),
        ({"a": ["1", "2"]}, {"a": ("1", "2")}),
        ({"a": [True, False]}, {"a": (True, False)}),
        ({"a": ""}, {"a": ""}),
        ({"a": b"1"}, {"a": b"1"}),
        ({"a": ParameterValue([LaunchConfiguration("one"), "2"], value_type=str)}, {"a": "12"}),
        ({"a": LaunchConfiguration("list")}, {"a": (1, 2)}),
        ({"a": [[LaunchConfiguration("one")], ["x"]]}, TypeError),
        ({"a": LaunchConfiguration("dict")}, TypeError),
        ({"a": object()}, TypeError),
        (None, TypeError),
    ],
)
def test_values_of_parameters(given, value):
    context = LaunchContext()
    context.launch_configurations.update(one="1", list="[1, 2]", dict="{a: 1}")

    if isinstance(value, type):
        with pytest.raises(value):
            evaluate_parameters(context, normalize_parameters([given] if given else "text"))
    else:
        assert evaluate_parameters(context, normalize_parameters([given])) == (value,)


@pytest.mark.parametrize(
    "given, kind, value",
    [
        ("1", None, "1"),
        (1, int, 1),
        (LaunchConfiguration("one"), None, 1),
        (LaunchConfiguration("one"), str, "1"),
        (LaunchConfiguration("one"), bool, True),
        (LaunchConfiguration("yes"), bool, True),
        (LaunchConfiguration("half"), float, 0.5),
        (LaunchConfiguration("list"), list[int], [1, 2]),
        (LaunchConfiguration("word"), None, "a"),
        (["x", LaunchConfiguration("one")], str, "x1"),
        ([1, LaunchConfiguration("one")], list[int], [1, 1]),
        ([1, 2.5], list[float], [1.0, 2.5]),
        ("text", int, TypeError),
        ([1, "x"], list[int], TypeError),
        (LaunchConfiguration("half"), int, ValueError),
        (LaunchConfiguration("list"), list[str], ValueError),
        (LaunchConfiguration("word"), bool, ValueError),
        (LaunchConfiguration("dict"), None, ValueError),
    ],
)
def test_typed_values(given, kind, value):
    context = LaunchContext()
    context.launch_configurations.update(
        one="1", yes="yes", half="0.5", list="[1, 2]", word="a", dict="{a: 1}"
    )
    if isinstance(value, type):
        with pytest.raises(value):
            ParameterValue(given, value_type=kind).evaluate(context)
    else:
        result = ParameterValue(given, value_type=kind).evaluate(context)
        assert result == value and type(result) is type(value)


def test_invalid_names_are_refused(package, capfd):
    for wrong in ({"name": "1x"}, {"name": "x", "namespace": "a b"}):
        service = LaunchService(noninteractive=True)
        node = Node(package="some_package", executable="talker", **wrong)
        service.include_launch_description(LaunchDescription([node]))
        assert service.run() == 1
    assert "Error while expanding or validating" in capfd.readouterr().out
    with pytest.raises(TypeError):
        Node(executable="x", parameters={"a": 1})


def test_packages(package):
    context = LaunchContext()
    assert FindPackagePrefix("some_package").perform(context) == str(package)
    assert FindPackageShare("some_package").perform(context) == str(package / "share/some_package")
    with pytest.raises(SubstitutionFailure, match="not found on the libexec"):
        ExecutableInPackage("none", "some_package").perform(context)
    with pytest.raises(LookupError):
        FindPackageShare("no_package").perform(context)


@pytest.mark.parametrize(
    "base, namespace, joined",
    [
        (None, None, None),
        (None, "a", "a"),
        ("/a", "b", "/a/b"),
        ("/", "b", "/b"),
        ("/a", "/b", "/b"),
        ("/a/", None, "/a"),
        ("", "/", "/"),
    ],
)
def test_namespaces(base, namespace, joined):
    assert prefix_namespace(base, namespace) == joined
    assert make_namespace_absolute("a") == "/a" and make_namespace_absolute(None) is None
