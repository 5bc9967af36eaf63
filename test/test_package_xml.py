"""package.xml asks for everything that is imported, and for nothing else."""

import ast
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
# What rosdep calls a library, where its name is not the import's. safetensors and tokenizers come
# with transformers; mcap, and what unpacks its chunks, with its ROS 2 support.
KEYS = {
    "PIL": "python3-pil",
    "cv2": "python3-opencv",
    "huggingface_hub": "python3-transformers-pip",
    "lz4": "mcap-ros2-support",
    "matplotlib": "python3-matplotlib",
    "mcap": "mcap-ros2-support",
    "mujoco": "python3-mujoco-pip",
    "numpy": "python3-numpy",
    "psutil": "python3-psutil",
    "pynvml": "python3-pynvml",
    "pytest": "python3-pytest",
    "rosbags": "python3-rosbags-pip",
    "safetensors": "python3-transformers-pip",
    "tokenizers": "python3-transformers-pip",
    "torch": "python3-pytorch-pip",
    "tqdm": "python3-tqdm",
    "transformers": "python3-transformers-pip",
    "yaml": "python3-yaml",
    "zstandard": "mcap-ros2-support",
}
# Not imported, but needed: the launch command, the messages' build and run time.
TOOLS = {"ros2launch", "rosidl_default_runtime", "rosidl_default_generators", "ament_cmake"}


def imported(*folders):
    tops = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    tops.update(alias.name.split(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    tops.add(node.module.split(".")[0])
    local = {path.stem for path in (ROOT / "test").rglob("*.py")}
    return {KEYS.get(t, t) for t in tops - set(sys.stdlib_module_names) - local - {"vla_ros"}}


def dependencies(*tags):
    root = ElementTree.parse(ROOT / "package.xml").getroot()
    return {element.text for tag in tags for element in root.findall(tag)}


def test_run_time_dependencies_are_what_is_imported():
    needed = imported("vla_ros", "launch") | TOOLS
    assert dependencies("depend", "exec_depend", "buildtool_depend") == needed


def test_test_dependencies_are_what_the_tests_import_besides():
    extra = imported("test") - imported("vla_ros", "launch")
    assert dependencies("test_depend") == extra
