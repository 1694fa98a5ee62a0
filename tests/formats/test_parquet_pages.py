"""Parquet files that lie, or unpack to far more than they are, are refused with the limit before they are unpacked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tunesmith.core.errors import DataError
from tunesmith.formats import parquet_container, parquet_pages, read
from tunesmith.formats.parquet_container import parquet_rows
from tunesmith.formats.parquet_pages import check_pages


def saved(path: Path, table: pa.Table, **more: Any) -> Path:
    pq.write_table(table, path, **more)
    return path


def pages_of(path: Path) -> list[list[parquet_pages.Page]]:
    """Return the pages of each row group."""
    metadata = pq.ParquetFile(path).metadata
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    with path.open("rb") as file:
        return [
            [
                page
                for column in range(metadata.num_columns)
                for page in parquet_pages._pages(file, group.column(column), path.stat().st_size, "x")
            ]
            for group in groups
        ]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", ["none", "snappy", "zstd"])
def test_the_headers_say_what_the_pages_hold(tmp_path: Path, codec: str, version: str) -> None:
    """Their sizes add up to the footer's, which is honest here: statistics, nested columns and several pages too."""
    rows = [{"text": f"row {i % 700} " * 20, "list": [{"a": i}, {"a": 2}], "n": i / 3} for i in range(6000)]
    options = {"compression": codec, "data_page_version": version, "data_page_size": 4096, "row_group_size": 2500}
    path = saved(tmp_path / "x.parquet", pa.Table.from_pylist(rows), write_page_checksum=True, **options)
    metadata = pq.ParquetFile(path).metadata
    columns = [metadata.row_group(g).column(c) for g in range(3) for c in range(metadata.num_columns)]
    groups = pages_of(path)
    pages = [page for group in groups for page in group]
    assert len(pages) >= 20 and any(page.dictionary for page in pages)
    headers = sum(c.total_uncompressed_size for c in columns) - sum(page.unpacked for page in pages)
    assert headers == sum(c.total_compressed_size for c in columns) - sum(page.packed for page in pages) > 0
    assert check_pages(path, metadata) == max(sum(p.unpacked for p in group if p.dictionary) for group in groups)
    assert [row.line for row in parquet_rows(path)] == list(range(1, 6001))


def test_a_page_that_unpacks_beyond_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_pages, "PAGE_LIMIT_BYTES", 2**20)
    path = saved(tmp_path / "x.parquet", pa.table({"text": ["a" * 2**21]}), compression="zstd")
    assert path.stat().st_size < 100_000
    with pytest.raises(
        DataError, match=r"a page that unpacks to 2,0\d+,\d+ bytes; the limit for one page is 1,048,576"
    ):
        read(path)


def test_a_file_that_unpacks_to_hundreds_of_times_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page is within its limit, all of them together are a bomb."""
    monkeypatch.setattr(parquet_pages, "BOMB_FLOOR_BYTES", 2**23)
    text = pa.array(["b" * (2**20)])
    schema, path = pa.schema({"text": pa.string()}), tmp_path / "x.parquet"
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for _ in range(16):
            writer.write_table(pa.table({"text": text}))
    with pytest.raises(DataError, match="unpacks to more than 200 times its size"):
        read(path)


def test_a_footer_that_hides_a_bomb_is_not_believed(tmp_path: Path) -> None:
    """The page's own header counts: here the footer's sizes are patched to be small."""
    path = saved(tmp_path / "x.parquet", pa.table({"text": ["c" * (5 * 2**20)]}), compression="zstd")
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)

    class Lying:
        total_uncompressed_size = 10

        def __getattr__(self, name: str) -> Any:
            return getattr(column, name)

    with path.open("rb") as file:
        pages = list(parquet_pages._pages(file, Lying(), path.stat().st_size, "x"))
    assert max(page.unpacked for page in pages) > 5 * 2**20


def test_rows_without_bytes(tmp_path: Path) -> None:
    """Three million empty rows in a file of a few hundred bytes."""
    path = saved(tmp_path / "x.parquet", pa.table({"n": pa.nulls(3_000_000, pa.int8())}))
    assert path.stat().st_size < 10_000
    with pytest.raises(DataError, match=r"promises 3,000,000 rows in \d,?\d+ bytes; the limit is 100 a byte"):
        read(path)


def test_a_dictionary_of_long_texts_is_read_a_few_rows_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text of 1 MB, once in the file, is in 60 rows: never are 60 MB in memory."""
    monkeypatch.setattr(parquet_container, "BATCH_BYTES", 2**23)
    path = saved(tmp_path / "x.parquet", pa.table({"text": ["d" * 2**20] * 60}), compression="zstd")
    assert path.stat().st_size < 10_000
    seen = []
    whole = parquet_container._decoded
    monkeypatch.setattr(parquet_container, "_decoded", lambda b, n: seen.append(b.nbytes) or whole(b, n))
    assert sum(1 for _ in parquet_rows(path)) == 60
    assert max(seen) <= 2**23


def test_a_row_over_the_limit_is_set_aside_and_its_neighbours_are_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.parquet", pa.table({"text": ["fine", "e" * (9 * 2**20), "fine too"]}))
    found = read(path)
    assert len(found.records) == 2
    assert [(bad.line, bad.reason) for bad in found.quarantined] == [
        (2, "is 9,437,188 bytes long; the limit for one row is 8,388,608")
    ]


def test_every_damaged_byte_is_an_error_of_ours_or_none(tmp_path: Path) -> None:
    """A byte flipped anywhere: rows, bad rows or a DataError, never another exception and never a crash."""
    good = saved(tmp_path / "x.parquet", pa.table({"text": [f"row {i}" for i in range(40)]})).read_bytes()
    refused = 0
    for place in range(0, len(good), 3):
        path = tmp_path / "y.parquet"
        path.write_bytes(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
        try:
            read(path)
        except DataError:
            refused += 1
    assert refused > 10
