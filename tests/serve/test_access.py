from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.opaque_token import hash_token
from tunesmith.serve.access import add_key, keys_of


def test_the_file_holds_hashes_only(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    keys = {name: add_key(file, name) for name in ("ann", "bob")}
    assert keys_of([], file) == {hash_token(key): name for name, key in keys.items()}
    assert not any(key in file.read_text() for key in keys.values())
    with pytest.raises(ConfigError, match="taken"):
        add_key(file, "ann")


def test_a_broken_line_is_named_without_its_content(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text("# mine\nann ts-a-plain-key-by-mistake\n")
    with pytest.raises(DataError, match=r"keys\.txt:2") as refused:
        keys_of([], file)
    assert "plain" not in str(refused.value)


@pytest.mark.parametrize("key", ["short", "with a space in the middle", "schlüssel-mit-umlaut"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="no API key"):
        keys_of([("TUNESMITH_SERVE_KEY", key)], None)
