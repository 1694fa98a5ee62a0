from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.train.durable import json_bytes, replace_file, sync_directory, write_synced


def test_replace_keeps_the_old_bytes_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "STATUS.json"
    replace_file(path, b"old")

    def half(target: Path, data: bytes) -> None:
        target.write_bytes(data[:1])
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        replace_file(path, b"new", write=half)
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["STATUS.json"]
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"


def test_what_is_written_is_synced_before_it_is_renamed(tmp_path: Path, synced: list[str]) -> None:
    write_synced(tmp_path / "a", b"x")
    sync_directory(tmp_path)
    assert (tmp_path / "a").read_bytes() == b"x" and len(synced) == 2
    if synced[0]:  # where the system tells a descriptor's name
        assert synced == ["a", tmp_path.name]
        replace_file(tmp_path / "b", b"y")
        assert synced[2].startswith("b.tmp-") and synced[3] == tmp_path.name


def test_json_is_strict() -> None:
    assert json_bytes({"ü": 1}) == '{\n  "ü": 1\n}\n'.encode()
    with pytest.raises(ValueError, match="JSON"):
        json_bytes({"x": float("nan")})
