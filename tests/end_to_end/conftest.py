from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from . import browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        launched = play.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
        yield launched
        launched.close()
