from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import Demonstration, Document, Message, Record
from tunesmith.store.snapshots import MANIFEST, RECORDS, freeze, load

RECORDS_: list[Record] = [
    Document(text="one", meta={"user": "u"}),
    Document(text="one", meta={"user": "u"}),
    Demonstration(messages=(Message("user", "q\u2028"), Message("assistant", "a"))),
]


def test_order_does_not_matter_and_equal_records_stay(tmp_path: Path) -> None:
    first = freeze(RECORDS_, tmp_path / "a", parents=["b", "a", "b"])
    second = freeze(RECORDS_[::-1], tmp_path / "b")
    assert first.sha256 == second.sha256
    assert (tmp_path / "a" / RECORDS).read_bytes() == (tmp_path / "b" / RECORDS).read_bytes()
    assert first.manifest.counts == {"demonstration": 1, "document": 2}
    assert first.manifest.parents == ("a", "b") and first.manifest.created_by.startswith("tunesmith ")


def test_loading_gives_what_was_frozen(tmp_path: Path) -> None:
    frozen = freeze(RECORDS_, tmp_path / "a")
    assert load(tmp_path / "a") == frozen == load(tmp_path / "a" / MANIFEST)
    assert sorted(map(str, frozen.records)) == sorted(map(str, RECORDS_))


def test_freezing_again_changes_nothing(tmp_path: Path) -> None:
    freeze(RECORDS_, tmp_path, parents=["x"])
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    again = freeze(RECORDS_[::-1], tmp_path)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == before
    assert again.manifest.parents == ("x",)


def test_another_snapshot_is_never_overwritten(tmp_path: Path) -> None:
    freeze(RECORDS_, tmp_path)
    with pytest.raises(DataError, match="holds another snapshot"):
        freeze(RECORDS_[:1], tmp_path)
    assert len(load(tmp_path).records) == 3


def test_a_crash_before_the_manifest_leaves_no_snapshot(tmp_path: Path) -> None:
    (tmp_path / RECORDS).write_text("half")
    with pytest.raises(DataError, match="no snapshot"):
        load(tmp_path)
    freeze(RECORDS_, tmp_path)
    assert len(load(tmp_path).records) == 3


def test_a_changed_file_is_named(tmp_path: Path) -> None:
    freeze(RECORDS_, tmp_path)
    path = tmp_path / RECORDS
    path.write_bytes(path.read_bytes().replace(b"one", b"two", 1))
    for again in (lambda: load(tmp_path), lambda: freeze(RECORDS_, tmp_path)):
        with pytest.raises(DataError, match="changed after it was frozen") as caught:
            again()
        assert caught.value.where == str(path)
    path.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"sha256":1}', b'{"sha256":"x","counts":{"a":"b"}}', b"\xff"]
)
def test_a_damaged_manifest_is_named(tmp_path: Path, content: bytes) -> None:
    freeze(RECORDS_, tmp_path)
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert caught.value.where == str(tmp_path / MANIFEST)


def test_counts_must_fit(tmp_path: Path) -> None:
    freeze(RECORDS_, tmp_path)
    body = orjson.loads((tmp_path / MANIFEST).read_bytes())
    (tmp_path / MANIFEST).write_bytes(orjson.dumps({**body, "counts": {"document": 3}}))
    with pytest.raises(DataError, match="counts"):
        load(tmp_path)


def test_nothing_to_freeze_and_nothing_to_load(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no records"):
        freeze([], tmp_path / "x")
    assert not (tmp_path / "x").exists()
    with pytest.raises(ConfigError, match="no such folder"):
        load(tmp_path / "x")
