"""What launch files and actions share."""

from vla_ros_standalone import left_out

from ..substitutions import normalize_to_list_of_substitutions as normalize_to_list_of_substitutions
from ..substitutions import perform_substitutions as perform_substitutions

__getattr__ = left_out(
    __name__,
    "ensure_argument_type is_a is_a_subclass isclassinstance normalize_to_list_of_entities "
    "visit_all_entities_and_collect_futures",
)
