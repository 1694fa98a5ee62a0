from __future__ import annotations

from tunesmith.context.readers.table import read


def test_rows_say_their_columns() -> None:
    found = read(b"item,price\n" + b"".join(b"lamp %d,%d\n" % (n, n) for n in range(6)) + b"one,two,three\n")
    assert [block.heading for block in found.blocks] == ["rows 1-5", "rows 6-6"]
    assert found.blocks[1].text == "item: lamp 5; price: 5"
    assert "1 row(s)" in found.notes[0]
    assert read(b"a\tb\n1\t2\n", tabs=True).blocks[0].text == "a: 1; b: 2"
