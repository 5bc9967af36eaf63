"""Descriptions of what actions execute."""

from .executable import Executable

__all__ = ["Executable"]
