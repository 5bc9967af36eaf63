"""A replay without nodes has the nodes' parameters."""

import dataclasses
import json

import pytest

from vla_ros.core.errors import ParameterError
from vla_ros.replay.lockstep_parameters import (
    Action,
    Command,
    Encoder,
    GraphParameters,
    read_parameters,
)


@pytest.mark.parametrize(
    ("ours", "module", "name"),
    [
        (Encoder(), "vl_encoder", "EncoderParams"),
        (Action(), "action", "ActionParams"),
        (Command(), "command", "CommandParams"),
    ],
    ids=["vl_encoder", "action", "command"],
)
def test_defaults_and_limits_are_the_nodes_own(ours, module, name):
    node = __import__(f"vla_ros.nodes.{module}", fromlist=[name])
    theirs = getattr(node, name)()
    for field in dataclasses.fields(ours):
        assert getattr(ours, field.name) == getattr(theirs, field.name), field.name
    if module != "vl_encoder":
        assert ours.age_limits() == theirs.age_limits()
    if module == "command":
        assert ours.motion_limits() == node._motion(theirs)


def test_without_a_file_they_are_those_that_a_launch_gives():
    parameters = read_parameters(None, {})
    assert parameters.command.max_linear == 0.05  # config/realtime.yaml
    assert parameters.command.workspace_low == (0.08, -0.18, 0.005)


def test_a_recordings_own_come_before_the_packages():
    recorded = {"parameters": {"/**/command": {"max_linear": 0.02}, "sim": {"seed": 1}}}
    parameters = read_parameters(None, {"configuration": json.dumps(recorded)})
    assert parameters == GraphParameters(command=Command(max_linear=0.02))


def test_a_recording_that_does_not_say_has_the_packages():
    assert read_parameters(None, {"configuration": "{}"}) == read_parameters(None, {})


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_recording_whose_configuration_is_damaged_says_what_helps(text):
    with pytest.raises(ParameterError, match="no JSON object; --params-file"):
        read_parameters(None, {"configuration": text})


def test_a_file_fills_the_node_it_names_and_all_nodes(tmp_path):
    path = tmp_path / "robot.yaml"
    path.write_text(
        "/**:\n  ros__parameters: {features_hard_s: 4, use_sim_time: false}\n"
        "action:\n  ros__parameters: {joints: [a, b], rate_hz: 20}\n"
        "/robot/vl_encoder:\n  ros__parameters: {slop_s: 0.02}\n"
    )
    parameters = read_parameters(path, {"configuration": '{"parameters": {"x": {}}}'})
    assert parameters.action == Action(features_hard_s=4.0, joints=("a", "b"), rate_hz=20.0)
    assert parameters.command == Command(features_hard_s=4.0)
    assert parameters.encoder == Encoder(slop_s=0.02)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2", "cannot be read as parameters in YAML"),
        ("just words", "parameters are 'just words'"),
        ("command: {ros__parameters: {max_linear: fast}}", "parameters of command: .*'fast'"),
        ("command: {ros__parameters: 3}", "parameters of command"),
        ("command: 3", "parameters of command"),
    ],
)
def test_what_is_no_parameter_is_named(tmp_path, text, said):
    path = tmp_path / "robot.yaml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=said):
        read_parameters(path, {})


def test_a_soft_limit_above_the_hard_one_is_refused():
    with pytest.raises(ParameterError, match="features_soft_s is 6"):
        Command(features_soft_s=6.0).age_limits()
