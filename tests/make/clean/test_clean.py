from __future__ import annotations

from collections import Counter

from tunesmith.make.clean.clean import EXAMPLES_A_FIX, clean
from tunesmith.make.clean.findings import Drops, place_of
from tunesmith.make.clean.fixes import Means

from ..rows import demo, rows

NONE = Means()


def test_changes_are_counted_once_a_record_and_shown() -> None:
    done = clean(rows(demo("a\u200b", "b\u200b"), demo("c", "d")), fix=["invisible"], means=NONE)
    assert done.changed == {"invisible": 1}
    assert [(e.line, e.field, e.before, e.after) for e in done.examples["invisible"]] == [
        (1, "messages[0].content", "a\u200b", "a"),
        (1, "messages[1].content", "b\u200b", "b"),
    ]
    many = clean(rows(*(demo(f"{n}\u200b") for n in range(20))), fix=["invisible"], means=NONE)
    assert many.changed == {"invisible": 20} and len(many.examples["invisible"]) == EXAMPLES_A_FIX


def test_a_dropped_row_is_rejected_whole_with_its_reason() -> None:
    drops = Drops({(place_of("a.jsonl"), 2): ["noise.placeholder: says TODO"]}, Counter())
    done = clean(rows(demo("a"), demo("b", "TODO"), demo("c")), fix=[], drops=drops, means=NONE)
    assert [r.messages[0].content for r in done.records] == ["a", "c"]  # type: ignore[union-attr]
    [gone] = done.rejected
    assert (gone.file, gone.line, gone.reason) == ("a.jsonl", 2, "noise.placeholder: says TODO")
    assert gone.record["messages"][1]["content"] == "TODO"


def test_duplicates_after_the_fixes_name_the_first() -> None:
    done = clean(
        rows(demo("a", source=1), demo("a\u200b"), demo("b"), demo("a", "No.")),
        fix=["duplicates", "invisible"],
        means=NONE,
    )
    assert done.records[0].meta == {"source": 1} and len(done.records) == 3
    assert done.rejected[0].reason == "duplicates: the same texts as a.jsonl:1" and done.changed["duplicates"] == 1


def test_what_a_fix_empties_is_rejected_with_the_field() -> None:
    done = clean(rows(demo("Hello", "<p></p>")), fix=["html", "whitespace"], means=NONE)
    assert not done.records and "messages[1].content: is empty" in done.rejected[0].reason


def test_the_order_of_the_names_does_not_matter() -> None:
    messy = rows(demo("<b>cafÃ©</b>  &nbsp;x\u200b", "y"))
    names = ["whitespace", "invisible", "html", "unicode"]
    assert clean(messy, fix=names, means=NONE).records == clean(messy, fix=names[::-1], means=NONE).records
