from __future__ import annotations

import pytest

from tunesmith.store.database import Database

from .scene import Scene


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)
