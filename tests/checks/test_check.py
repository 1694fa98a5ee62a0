from __future__ import annotations

import pickle
from collections.abc import Iterator

from tunesmith.checks.check import CheckedRow, RowCheck, texts_of
from tunesmith.checks.finding import Finding
from tunesmith.core.records import Comparison, Completion, Demonstration, Document, Message, Ranking

USER = Message("user", "Which?")


class _Shouting(RowCheck):
    name = "shouting"
    source = "a test"

    def row(self, row: CheckedRow) -> Iterator[Finding]:
        for text in texts_of(row.record):
            if text.text.isupper():
                yield Finding(row.file, row.line, text.field, "shouting.capitals", "all capitals", "note")


def test_texts_come_in_reading_order_with_their_fields() -> None:
    demonstration = Demonstration(messages=(USER, Message("assistant", "This.")))
    assert [tuple(t) for t in texts_of(demonstration)] == [
        ("messages[0].content", "user", "Which?"),
        ("messages[1].content", "assistant", "This."),
    ]
    comparison = Comparison(messages=(USER,), chosen="a", rejected="b")
    assert [t.field for t in texts_of(comparison)] == ["messages[0].content", "chosen", "rejected"]
    ranking = Ranking(
        messages=(USER,), completions=(Completion(id="a", text="1"), Completion(id="b", text="2")), rankings=()
    )
    assert [(t.field, t.text) for t in texts_of(ranking)][1:] == [
        ("completions[0].text", "1"),
        ("completions[1].text", "2"),
    ]
    assert [t.role for t in texts_of(Document(text="x"))] == ["document"]


def test_a_row_check_does_not_depend_on_how_rows_are_divided() -> None:
    rows = [CheckedRow("f", n, Document(text="LOUD" if n % 3 == 0 else "low")) for n in range(1, 11)]
    check = _Shouting()
    whole = check.conclude([check.chunk(rows)])
    parts = [pickle.loads(pickle.dumps(check.chunk(rows[i : i + 4]))) for i in range(0, 10, 4)]
    assert check.conclude(parts) == whole
    assert [f.line for f in whole.findings] == [3, 6, 9]
    assert whole.numbers == {"shouting.capitals": 3}
