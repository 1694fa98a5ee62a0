from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tunesmith.core.errors import DataError
from tunesmith.formats import byte_source
from tunesmith.formats.byte_source import lines, open_bytes, utf16_name

Put = Callable[[str, bytes | str], Path]


def test_lines_keep_their_numbers_and_skip_what_is_over_the_limit() -> None:
    stream = io.BufferedReader(io.BytesIO(b"one\r\n" + b"x" * 50 + b"\nthree"))
    found = list(lines(stream, limit=20))
    assert [line.number for line in found] == [1, 2, 3]
    assert [line.data for line in found if not line.problem] == [b"one", b"three"]
    assert "is 51 bytes long" in found[1].problem


def test_a_line_of_exactly_the_limit_is_whole() -> None:
    stream = io.BufferedReader(io.BytesIO(b"x" * 20 + b"\n" + b"y" * 20))
    assert not any(line.problem for line in lines(stream, limit=20))


def test_utf_16_is_seen_without_a_mark_and_text_is_not_mistaken_for_it() -> None:
    assert utf16_name("plain text".encode("utf-16-le")) == "utf-16-le"
    assert utf16_name("plain text".encode("utf-16-be")) == "utf-16-be"
    assert utf16_name(b"plain text") is None
    assert utf16_name(b"") is None


def test_invalid_utf_16_becomes_invalid_utf_8(put: Put) -> None:
    content = "ab".encode("utf-16") + b"\x00\xd8" + "c\n".encode("utf-16-le") + b"\x41"
    with open_bytes(put("x.txt", content)) as source:
        data = source.stream.read()
    with pytest.raises(UnicodeDecodeError):
        data.decode()


@pytest.mark.parametrize(("magic", "name"), [(b"PK\x03\x04", "zip"), (b"BZh9", "bzip2"), (b"\xfd7zXZ\x00", "xz")])
def test_archives_are_named(put: Put, magic: bytes, name: str) -> None:
    with pytest.raises(DataError, match=f"is a {name} archive"), open_bytes(put("x.jsonl", magic + b"..")):
        pass


def test_a_decompression_bomb_stops(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_source, "BOMB_FLOOR_BYTES", 2**20)
    path = put("x.txt.gz", gzip.compress(b"\n" * 2**23))
    with pytest.raises(DataError, match="bomb"), open_bytes(path) as source:
        while source.stream.read(2**20):
            pass
