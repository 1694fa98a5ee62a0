from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tunesmith.store.database import Database, open_database


@pytest.fixture(params=["truncate", "wal", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Each test on every kind of database: SQLite with both journals, and PostgreSQL."""
    if request.param == "postgres":
        opened = open_database(request.getfixturevalue("postgres").new_url())
    else:
        opened = open_database(str(tmp_path / "desk.db"), journal=request.param)
    yield opened
    opened.close()
