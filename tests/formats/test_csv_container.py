from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

import pytest

from tunesmith.core.errors import DataError
from tunesmith.formats.byte_source import Line
from tunesmith.formats.csv_container import csv_rows
from tunesmith.formats.rows import AnyRow, BadRow, Row


def rows_of(text: str | bytes, **options: Any) -> list[AnyRow]:
    data = text.encode() if isinstance(text, str) else text

    def source() -> Iterator[Line]:
        for number, line in enumerate(data.splitlines(keepends=True), 1):
            yield Line(number, line)

    return list(csv_rows(source(), where="x", notes=options.pop("notes", []), **options))


def test_cells_over_several_lines_keep_the_line_where_the_record_begins() -> None:
    found = rows_of('prompt,completion\n"a\nb",c\nd,"e ""f"" g"\n')
    assert found[0].line == 2 and found[0].value == {"prompt": "a\nb", "completion": "c"}  # type: ignore[union-attr]
    assert found[1].line == 4 and found[1].value["completion"] == 'e "f" g'  # type: ignore[union-attr]


def test_an_unclosed_quote_costs_one_record() -> None:
    found = rows_of('a,b\n1,"never closed\n2,x\n3,"y"\n4,z\n')
    assert [row.line for row in found if isinstance(row, BadRow)] == [2]
    assert [row.value["a"] for row in found if isinstance(row, Row)] == ["2", "3", "4"]


def test_a_record_with_too_few_or_too_many_cells() -> None:
    found = rows_of("a,b\n1\n1,2,3\n1,2\n")
    reasons = [row.reason for row in found if isinstance(row, BadRow)]
    assert reasons == ["has 1 cells where the header has 2", "has 3 cells where the header has 2"]
    assert len(found) == 3


def test_the_unnamed_index_column_and_spaces_in_names() -> None:
    notes: list[str] = []
    (row,) = rows_of(",Best Answer,\n0,x,y\n", notes=notes)
    assert row.value == {"best_answer": "x", "column_3": "y"}  # type: ignore[union-attr]
    assert "index" in notes[0]


def test_semicolons_and_tabs() -> None:
    assert rows_of('a;"b,c"\n1;2\n')[0].value == {"a": "1", "b,c": "2"}  # type: ignore[union-attr]
    assert rows_of("a\tb\n1,1\t2\n", tabs=True)[0].value == {"a": "1,1", "b": "2"}  # type: ignore[union-attr]


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match="share a name"):
        rows_of("text,Text\n1,2\n")


def test_invalid_utf_8_is_one_bad_row() -> None:
    bad, good = rows_of(b"text\n\xff\xfe\nfine\n")
    assert isinstance(bad, BadRow) and bad.field == "text" and "UTF-8" in bad.reason
    assert isinstance(good, Row)


def test_json_in_cells_is_decoded_only_where_a_list_belongs() -> None:
    (row,) = rows_of('messages,text,prompt\n"[{""role"":""user"",""content"":""q""}]","[1, 2]","[1] see below"\n')
    assert row.value == {"messages": [{"role": "user", "content": "q"}], "text": "[1, 2]", "prompt": "[1] see below"}  # type: ignore[union-attr]


def test_long_cells_are_read_and_the_module_setting_is_put_back() -> None:
    before = csv.field_size_limit()
    (row,) = rows_of("text\n" + "x" * 300_000)
    assert len(row.value["text"]) == 300_000  # type: ignore[union-attr]
    assert csv.field_size_limit() == before


def test_formulas_and_markup_are_text() -> None:
    (row,) = rows_of("text\n\"=cmd|'/c calc'!A0 <script>\"\n")
    assert row.value["text"].startswith("=cmd")  # type: ignore[union-attr]
