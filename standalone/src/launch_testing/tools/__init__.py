"""Matching of text."""

from vla_ros_standalone import left_out

from .text import build_text_match, remove_ansi_escape_sequences

__getattr__ = left_out(
    __name__,
    *("ProcessProxy", "basic_output_filter", "expect_output", "expected_output_from_file"),
    "launch_process",
)

__all__ = ["build_text_match", "remove_ansi_escape_sequences"]
