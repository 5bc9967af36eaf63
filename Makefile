# Two commands: `make launch` runs the robot, `make test` passes the tests. Both set up what they need.

PYTHON ?= python3
# jazzy or kilted (make test ROS_DISTRO=kilted); what a sourced ROS 2 says does not count here.
ROS_DISTRO := jazzy
VENV ?= $(CURDIR)/.venv$(if $(filter-out jazzy,$(ROS_DISTRO)),-$(ROS_DISTRO))
BIN := $(VENV)/bin
ARGS ?=
TESTS ?= test standalone/test

SHARED := package.xml CMakeLists.txt setup.py setup.cfg vla_ros/__init__.py resource/vla_ros \
          $(wildcard msg/* launch/* config/*)

unexport AMENT_PREFIX_PATH CMAKE_PREFIX_PATH PYTHONPATH

.PHONY: help launch test check setup clean
.DEFAULT_GOAL := help

help:  ## show this
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18
	@echo '  needs Python 3.11 to 3.14 with venv, g++ and libEGL (apt-get install python3-venv g++ libegl1 libgl1-mesa-dri)'

launch: setup  ## run the graph on the simulated robot for 60 s (make launch ARGS="duration_s:=0 action_head:=flow")
	$(BIN)/ros2 launch vla_ros realtime.launch.py duration_s:=60 $(ARGS)

test: setup  ## run every test (make test TESTS=test/core; ROS_DISTRO=kilted)
	$(BIN)/python -m pytest $(TESTS)

check: setup  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy vla_ros
	cd standalone && $(BIN)/mypy src

setup: $(VENV)/.package  ## only the set-up

clean:  ## remove what set-up and builds made (not output/)
	rm -rf $(VENV) build install log vla_ros.egg-info

$(VENV)/.python: requirements/base.txt requirements/dev.txt requirements/ros-$(ROS_DISTRO).txt requirements/check.py
	@command -v $(PYTHON) >/dev/null || { echo 'missing: Python: apt-get install python3 python3-venv' >&2; exit 1; }
	@$(PYTHON) requirements/check.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -r requirements/ros-$(ROS_DISTRO).txt -r requirements/base.txt -r requirements/dev.txt
	@touch $@

$(VENV)/.standalone: $(VENV)/.python $(shell find standalone -name '*.py' -o -name '*.toml' -not -path '*/test/*')
	$(BIN)/python standalone/install.py
	@touch $@

$(VENV)/.package: $(VENV)/.standalone $(SHARED)
	PATH=$(BIN):$$PATH $(BIN)/python -W ignore setup.py -q develop --prefix $(VENV) install_data --install-dir $(VENV)
	@echo 'import os, sys; os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)' > $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/ament_prefix_path.pth
	@touch $@
