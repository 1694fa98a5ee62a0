from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.label.scene import Scene
from tunesmith.store.database import Database, open_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(str(tmp_path / "desk.db"))
    yield opened
    opened.close()


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    made = Scene(database)
    with made.clients:
        yield made
