"""The guard is tested on the labelling desk, whose pages it stands before."""

from __future__ import annotations

from ..label.conftest import database, scene

__all__ = ["database", "scene"]
