"""Describe a system of processes and run it: the part of ROS 2's `launch` that is carried here."""

from vla_ros_standalone import left_out

from . import actions as actions
from . import conditions as conditions
from . import events as events
from . import logging as logging
from . import substitutions as substitutions
from .conditions import Condition as Condition
from .event_handlers import EventHandler as EventHandler
from .events import Event as Event
from .launch_context import LaunchContext as LaunchContext
from .launch_description import Action as Action
from .launch_description import LaunchDescription as LaunchDescription
from .launch_description import LaunchDescriptionEntity as LaunchDescriptionEntity
from .launch_description import SomeEntitiesType as SomeEntitiesType
from .launch_description_sources import InvalidLaunchFileError as InvalidLaunchFileError
from .launch_description_sources import LaunchDescriptionSource as LaunchDescriptionSource
from .launch_introspector import LaunchIntrospector as LaunchIntrospector
from .launch_service import LaunchService as LaunchService
from .substitutions import SomeSubstitutionsType as SomeSubstitutionsType
from .substitutions import Substitution as Substitution

__getattr__ = left_out(
    __name__,
    "descriptions frontend SomeEntitiesType_types_tuple SomeSubstitutionsType_types_tuple",
)
