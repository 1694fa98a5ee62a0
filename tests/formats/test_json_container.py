from __future__ import annotations

import io
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.formats.json_container import json_array
from tunesmith.formats.rows import AnyRow, BadRow, Row

values = st.dictionaries(
    st.text(max_size=6),
    st.recursive(
        st.none() | st.integers(-5, 5) | st.text(max_size=8),
        lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=2),
    ),
    max_size=3,
)


def rows_of(text: bytes) -> list[AnyRow]:
    return list(json_array(io.BufferedReader(io.BytesIO(text)), "x"))


@settings(max_examples=50, deadline=None)
@given(st.lists(values, max_size=4), st.sampled_from([None, 2]), st.booleans(), st.booleans())
def test_every_element_of_any_array_is_found(
    items: list[object], indent: int | None, ascii_only: bool, array: bool
) -> None:
    dump = lambda value: json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()  # noqa: E731
    text = dump(items) if array else b"\n".join(dump(item) for item in items)
    if not array and not items:
        return
    assert [row.value for row in rows_of(text) if isinstance(row, Row)] == items


def test_lines_are_those_of_the_elements() -> None:
    text = b'[\n  {"a": 1},\n\n  {\n    "a": 2\n  },  {"a": 3}\n]'
    assert [row.line for row in rows_of(text)] == [2, 4, 6]


def test_one_damaged_element_does_not_lose_the_others() -> None:
    found = rows_of(b'[{"a": 1},\n{"a": "never closed},\n{"a": 3}, {"b" 4}, {"a": "]},{"}\n, 7]')
    good = [row.value["a"] for row in found if isinstance(row, Row)]
    assert good[0] == 1 and good[-1] == "]},{"
    assert all(row.line >= 2 for row in found if isinstance(row, BadRow))


def test_a_truncated_array_keeps_its_complete_elements() -> None:
    *good, bad = rows_of(b'[{"a": 1},\n {"a": 2},\n {"a": "thr')
    assert [row.line for row in good] == [1, 2]
    assert isinstance(bad, BadRow) and bad.line == 3 and "cut off" in bad.reason
    *good, bad = rows_of(b'[{"a": 1},\n {"a": 2}')
    assert isinstance(bad, BadRow)


def test_nesting_is_counted_not_recursed() -> None:
    (bad, last) = rows_of(b"[" + b"[" * 200_000 + b"]" * 200_000 + b', {"a": 1}]')
    assert isinstance(bad, BadRow) and isinstance(last, Row)
