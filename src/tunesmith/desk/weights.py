"""Where the shipped base model lies."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def shipped_base() -> Path:
    """Return the folder of the base model that comes with the package."""
    return Path(str(resources.files("tunesmith.desk").joinpath("base")))
