from __future__ import annotations

from collections.abc import Iterator

import pytest

from .scene import Scene


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Scene().running() as running:
        yield running
