from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tunesmith.core.cache import cache_folder


def test_it_lies_where_the_user_keeps_caches_and_is_the_users_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert cache_folder("vectors") == tmp_path / "caches" / "tunesmith" / "vectors"
    assert stat.S_IMODE(cache_folder("vectors").stat().st_mode) == 0o700
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder("vectors") == tmp_path / ".cache" / "tunesmith" / "vectors"
