"""What a Parquet file would unpack to, read from the headers of its pages before anything is unpacked.

The footer may promise anything, and a page of a few kilobytes may unpack to gigabytes; memory is taken by what the page
headers say, so they are what is judged. Headers are Thrift structs in the compact protocol (Apache Parquet format 2.11,
`parquet.thrift`; Thrift compact protocol specification).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.formats.byte_source import BOMB_FLOOR_BYTES, BOMB_RATIO

PAGE_LIMIT_BYTES = 64 * 2**20
HEADER_BYTES = 16 * 2**10
# Runs of equal values cost nearly nothing, so rows can outnumber bytes without bound.
ROWS_PER_BYTE, ROWS_FLOOR = 100, 1_000_000
_DICTIONARY_PAGE = 2
_UNPACKED, _PACKED = 2, 3  # field numbers of PageHeader; 1 is the page's type


class Page(NamedTuple):
    """One page as its header describes it, in bytes."""

    dictionary: bool
    packed: int
    unpacked: int


def check_pages(path: Path, metadata: Any) -> int:
    """Return the bytes of the largest dictionaries of a row group's columns together: what one row may expand to.

    Raises:
        DataError: the footer contradicts the file, a page or the whole unpacks to more than the limit, or there are
            more rows than so few bytes can mean.
    """
    size, where = path.stat().st_size, str(path)
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    if metadata.num_rows < 0 or metadata.num_rows != sum(group.num_rows for group in groups):
        raise _refused(where, f"promises {metadata.num_rows:,} rows, its row groups another number")
    if metadata.num_rows > max(ROWS_FLOOR, ROWS_PER_BYTE * size):
        raise _refused(
            where, f"promises {metadata.num_rows:,} rows in {size:,} bytes; the limit is {ROWS_PER_BYTE} a byte"
        )
    unpacked = largest = 0
    with path.open("rb") as file:
        for group in groups:
            dictionaries = 0
            for index in range(group.num_columns):
                for page in _pages(file, group.column(index), size, where):
                    unpacked += page.unpacked
                    dictionaries += page.unpacked if page.dictionary else 0
                    if page.unpacked > PAGE_LIMIT_BYTES:
                        limit = f"the limit for one page is {PAGE_LIMIT_BYTES:,}"
                        raise _refused(where, f"holds a page that unpacks to {page.unpacked:,} bytes; {limit}")
                    if unpacked > BOMB_FLOOR_BYTES and unpacked > BOMB_RATIO * size:
                        what = f"unpacks to more than {BOMB_RATIO} times its size"
                        raise _refused(where, f"{what}, as a decompression bomb does")
            largest = max(largest, dictionaries)
    return largest


def _pages(file: BinaryIO, column: Any, size: int, where: str) -> Iterator[Page]:
    offsets = (column.data_page_offset, column.dictionary_page_offset if column.has_dictionary_page else None)
    place = min(offset for offset in offsets if offset is not None)
    end = place + column.total_compressed_size
    if not 4 <= place <= end <= size:
        raise _refused(where, f"promises a column at bytes {place:,} to {end:,} of {size:,}")
    while place < end:
        file.seek(place)
        header = _Header(file.read(min(HEADER_BYTES, end - place)))
        try:
            fields = header.struct()
            page = Page(fields.get(1) == _DICTIONARY_PAGE, int(fields[_PACKED]), int(fields[_UNPACKED]))
        except (IndexError, KeyError, ValueError, RecursionError) as error:
            raise _refused(where, f"has no page at byte {place:,}, where its footer promises one") from error
        if page.packed < 0 or page.unpacked < 0 or place + header.place + page.packed > end:
            raise _refused(where, f"has a page at byte {place:,} that does not lie within its column")
        yield page
        place += header.place + page.packed


def _refused(where: str, what: str) -> DataError:
    return DataError(what, where=where, why="what the file says of itself is not trusted", remedy="write it anew")


class _Header:
    """A reader of one struct of the compact protocol; numbers are kept, all else is passed over."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def struct(self, depth: int = 0) -> dict[int, int]:
        """Return the struct's whole-number fields by number.

        Raises:
            IndexError, ValueError: the bytes end before the struct does, or are none.
        """
        if depth > 8:
            raise ValueError("nested too deep")
        fields: dict[int, int] = {}
        number = 0
        while head := self._byte():
            kind, step = head & 15, head >> 4
            number = number + step if step else self._whole()
            value = self._value(kind, depth)
            if value is not None:
                fields[number] = value
        return fields

    def _value(self, kind: int, depth: int) -> int | None:
        match kind:
            case 1 | 2:  # a truth value, in the field's head
                return None
            case 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._whole()
            case 7:
                self._skip(8)
            case 8:
                self._skip(self._varint())
            case 9 | 10:
                head = self._byte()
                for _ in range(head >> 4 if head >> 4 < 15 else self._varint()):
                    self._value(head & 15, depth + 1)
            case 12:
                self.struct(depth + 1)
            case _:
                raise ValueError(f"no kind {kind} in a page header")
        return None

    def _skip(self, count: int) -> None:
        self.place += count
        if self.place > len(self._data):
            raise IndexError("beyond the header")

    def _byte(self) -> int:
        value = self._data[self.place]
        self.place += 1
        return value

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise ValueError("a number of more than ten bytes")

    def _whole(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
