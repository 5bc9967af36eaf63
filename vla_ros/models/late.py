"""Hugging Face transformers, imported when first needed: it takes seconds and 300 MB."""

import importlib
from typing import Any


def transformers() -> Any:
    """Return the package, told not to draw progress bars into a node's log."""
    package = importlib.import_module("transformers")
    package.utils.logging.disable_progress_bar()
    return package
