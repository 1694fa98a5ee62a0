from __future__ import annotations

from tunesmith.core.records import Comparison, Completion, Document, Message, Prompt, Ranking, Record
from tunesmith.make.texts import rewrite_texts

from .rows import demo

ASK = (Message("user", "a"),)
RECORDS: list[Record] = [
    demo("a", "b"),
    Prompt(messages=ASK),
    Document(text="a"),
    Comparison(messages=ASK, chosen="b", rejected="c"),
    Ranking(messages=ASK, completions=(Completion(id="1", text="b"), Completion(id="2", text="c")), rankings=()),
]


def test_every_text_of_every_kind_is_rewritten_in_its_place() -> None:
    for record in RECORDS:
        once = rewrite_texts(record, lambda text: text.text.upper() + text.role[0])
        back = rewrite_texts(once, lambda text: text.text[:-1].lower())
        assert once != record and back == record


def test_an_unchanged_record_is_the_same_object() -> None:
    assert all(rewrite_texts(record, lambda text: text.text) is record for record in RECORDS)
