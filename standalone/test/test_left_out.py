"""What is not carried says so by name."""

import importlib

import pytest

import launch

pytestmark = pytest.mark.skipif(not hasattr(launch, "left_out"), reason="the real ones have it all")


@pytest.mark.parametrize(
    "module, name",
    [
        ("launch.actions", "OpaqueCoroutine"),
        ("launch.conditions", "LaunchConfigurationEquals"),
        ("launch.event_handlers", "OnExecutionComplete"),
        ("launch.launch_description_sources", "FrontendLaunchDescriptionSource"),
        ("launch.substitutions", "Command"),
        ("launch_ros.actions", "ComposableNodeContainer"),
        ("launch_testing.markers", "retry_on_failure"),
        ("message_filters", "LatestTimeSynchronizer"),
    ],
)
def test_names(module, name):
    found = importlib.import_module(module)
    with pytest.raises(ImportError, match=f"{module}.{name} is not carried"):
        getattr(found, name)
    assert not hasattr(found, "no_name_of_ros_2")


def test_arguments():
    with pytest.raises(TypeError, match="cached_output"):
        launch.actions.ExecuteProcess(cmd=["true"], cached_output=True)
