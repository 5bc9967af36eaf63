"""Every run of the tests gets a ROS domain of its own, so that two beside each other do not mix."""

import os

import pytest

os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")


@pytest.fixture
def ros():
    """Yield an initialised rclpy context's node factory; everything is shut down afterwards."""
    import rclpy

    nodes = []
    rclpy.init()

    def make(name="test", parameters=None, **options):
        overrides = [rclpy.Parameter(k, value=v) for k, v in (parameters or {}).items()]
        nodes.append(rclpy.create_node(name, parameter_overrides=overrides, **options))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()
