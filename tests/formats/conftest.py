from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

REAL_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture
def real() -> Callable[[str], Path]:
    """Paths of openly licensed data sets beside the repository; the test is skipped where they are absent."""

    def path_of(name: str) -> Path:
        path = REAL_DATA / name
        if not path.is_file():
            pytest.skip(f"{name} is not in ../shared/data")
        return path

    return path_of


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    """Write a file and return its path."""

    def write_file(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file
