"""Parameters and names as ROS 2 users give them: YAML files, wildcards, namespaces, remappings."""

import dataclasses
from importlib import import_module
from pathlib import Path

import pytest
import rclpy
import yaml
from rclpy.node import Node

from vla_ros.core.errors import ParameterError
from vla_ros.nodes.command import CommandNode
from vla_ros.ros.params import declare

CONFIG = Path(__file__).parents[2] / "config" / "realtime.yaml"
PARAMS = {
    "vl_encoder": "EncoderParams",
    "action": "ActionParams",
    "command": "CommandParams",
    "profiler": "ProfilerParams",
    "sim": "SimParams",
    "bag_source": "BagSourceParams",
    "naive_loop": "NaiveParams",
}


def params_of(name):
    return getattr(import_module(f"vla_ros.nodes.{name}"), PARAMS[name])


@pytest.fixture
def start(tmp_path):
    """Start a node as a process would be: with a YAML file and what follows --ros-args."""
    nodes = []

    def start_node(make, text="", *arguments):
        file = tmp_path / "params.yaml"
        file.write_text(text or "/**:\n  ros__parameters: {use_sim_time: false}\n")
        rclpy.init(args=["node", "--ros-args", "--params-file", str(file), *arguments])
        nodes.append(make())
        return nodes[-1]

    yield start_node
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()


@pytest.mark.parametrize("key", ["/**", "command", "/command", "/**/command", "/*"])
def test_a_yaml_file_sets_a_nodes_parameters(start, key):
    node = start(CommandNode, f"{key}:\n  ros__parameters: {{max_linear: 0.25, rate_hz: 100}}\n")
    assert node.get_parameter("max_linear").value == 0.25
    assert node.get_parameter("rate_hz").value == 100.0


def test_the_key_of_another_node_sets_nothing(start):
    node = start(CommandNode, "/left/command:\n  ros__parameters: {max_linear: 0.25}\n")
    assert node.get_parameter("max_linear").value == 0.1


def test_the_last_word_is_the_command_lines(start):
    text = "/**/command:\n  ros__parameters: {max_linear: 0.25, max_angular: 2.0}\n"
    node = start(CommandNode, text, "-p", "max_linear:=0.5")
    assert node.get_parameter("max_linear").value == 0.5
    assert node.get_parameter("max_angular").value == 2.0


def test_a_wrong_value_in_a_file_is_named(start):
    with pytest.raises(ParameterError, match="max_linear is -1.0; allowed: 0.0 to 5.0"):
        start(CommandNode, "/**:\n  ros__parameters: {max_linear: -1.0}\n")


def test_use_sim_time_for_all_nodes_is_taken(start):
    node = start(CommandNode, "/**:\n  ros__parameters: {use_sim_time: true}\n")
    assert node.get_parameter("use_sim_time").value is True


@pytest.mark.parametrize("namespace", ["/", "/left", "/lab/left"])
@pytest.mark.parametrize("name", list(yaml.safe_load(CONFIG.read_text())))
def test_the_configuration_holds_in_any_namespace(start, name, namespace):
    given = yaml.safe_load(CONFIG.read_text())[name]["ros__parameters"]
    short = name.rpartition("/")[2]
    arguments = ["-r", f"__ns:={namespace}"]
    node = start(lambda: Node(short), CONFIG.read_text(), *arguments)
    values = declare(node, params_of(short))
    taken = {field: getattr(values, field) for field in given}
    assert {k: list(v) if isinstance(v, tuple) else v for k, v in taken.items()} == given


def test_names_are_remapped(start):
    renamed = ["-r", "__node:=arm", "-r", "__ns:=/left"]
    remapped = ["-r", "command:=/servo/delta_twist", "-r", "action_chunk:=policy/chunk"]
    node = start(CommandNode, "", *renamed, *remapped)
    assert node.get_fully_qualified_name() == "/left/arm"
    published = {name for name, _ in node.get_publisher_names_and_types_by_node("arm", "/left")}
    assert {"/servo/delta_twist", "/left/gripper_command", "/left/latency"} <= published
    heard = {name for name, _ in node.get_subscriber_names_and_types_by_node("arm", "/left")}
    assert {"/left/policy/chunk", "/left/ee_pose", "/left/joint_states"} <= heard


@pytest.mark.parametrize("name", PARAMS)
def test_describe_shows_a_description_and_a_range_of_each_parameter(start, name):
    node = start(lambda: Node(name))
    fields = dataclasses.fields(declare(node, params_of(name)))
    for shown in node.describe_parameters([field.name for field in fields]):
        assert shown.description, shown.name
        assert shown.read_only, shown.name
        value = node.get_parameter(shown.name).value
        if isinstance(value, bool | str):
            continue
        if isinstance(value, int | float):
            [allowed] = [*shown.integer_range, *shown.floating_point_range]
            assert allowed.from_value <= value <= allowed.to_value, shown.name
            assert max(-allowed.from_value, allowed.to_value) < 1e15, shown.name
        elif value and isinstance(value[0], float):
            assert shown.additional_constraints.startswith("each "), shown.name
