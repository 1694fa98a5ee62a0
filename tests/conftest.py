"""Fixtures for tests of several floors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .postgres import PostgresServer, missing


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A real PostgreSQL of this test process, thrown away at its end; skipped where none is installed."""
    if reason := missing():
        pytest.skip(reason)
    with PostgresServer.started() as server:
        yield server
