from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tunesmith.store.database import Database, open_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(str(tmp_path / "chat.db"))
    yield opened
    opened.close()
