"""Build the packages that VLA_ROS_STANDALONE names, or all; see install.py."""

import os

from setuptools import find_packages, setup

PACKAGES = [entry.name for entry in os.scandir("src") if entry.is_dir()]
CHOSEN = os.environ.get("VLA_ROS_STANDALONE", ",".join(PACKAGES)).split(",")

# Commands and plugins come with the package that they start.
ENTRY_POINTS = {
    "launch_testing": {
        "console_scripts": ["launch_test = launch_testing.launch_test:main"],
        "pytest11": ["launch_testing = launch_testing.pytest.hooks"],
    },
    "ros2cli": {"console_scripts": ["ros2 = ros2cli.cli:main"]},
}

entry_points: dict[str, list[str]] = {}
for package in CHOSEN:
    for group, lines in ENTRY_POINTS.get(package, {}).items():
        entry_points.setdefault(group, []).extend(lines)

setup(
    package_dir={"": "src"},
    packages=find_packages("src", include=[p for c in CHOSEN for p in (c, f"{c}.*")]),
    package_data={package: ["py.typed"] for package in CHOSEN},
    entry_points=entry_points,
)
