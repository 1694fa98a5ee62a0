from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunesmith.store.database import open_database

from . import browser
from .browser import RunningDesk


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        launched = play.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RunningDesk]:
    """An empty desk that listens."""
    database = open_database(str(tmp_path / "desk.db"))
    with browser.running(database) as found:
        yield found
    database.close()
