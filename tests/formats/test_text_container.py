from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tunesmith.formats import read

Put = Callable[[str, bytes | str], Path]


def texts(path: Path) -> list[str]:
    return [record.text for record in read(path).records]  # type: ignore[union-attr]


def test_blank_lines_separate_documents(put: Put) -> None:
    path = put("x.md", "\n\none\ntwo\n \t\n\nthree\r\nfour\n")
    assert texts(path) == ["one\ntwo", "three\nfour"]
    assert "documents are separated by blank lines" in read(path).notes


def test_the_marker_wins_over_blank_lines(put: Put) -> None:
    path = put("x.txt", "one\n\nstill one\n<|endoftext|>\ntwo<|endoftext|>three\n")
    assert texts(path) == ["one\n\nstill one", "two", "three"]
    assert "documents are separated by <|endoftext|>" in read(path).notes


def test_a_text_without_any_separator_is_cut_at_line_ends(put: Put) -> None:
    found = texts(put("x.txt", ("x" * 99 + "\n") * 25_000))
    assert len(found) == 3
    assert sum(text.count("x") for text in found) == 99 * 25_000


def test_invalid_bytes_cost_one_document(put: Put) -> None:
    result = read(put("x.txt", b"fine\n\nline\n\xff\n\nalso fine\n"))
    assert len(result.records) == 2
    assert [(bad.line, bad.field) for bad in result.quarantined] == [(4, "text")]
