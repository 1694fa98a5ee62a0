from __future__ import annotations

from tests.checks.dividing import asked, result, rows_of, same_however_divided
from tunesmith.checks.check import CheckedRow
from tunesmith.checks.duplicates import Duplicates, DuplicatesConfig
from tunesmith.core.records import Comparison, Document, Message, Prompt

LONG = (
    "the quick brown fox jumps over the lazy dog near the old mill by the river every single morning before breakfast"
)


def kinds(records: list, **config: object) -> list[tuple[int, str, str]]:
    found = result(Duplicates(DuplicatesConfig(**config)), rows_of(records)).findings
    return sorted((f.line, f.check.split(".")[1], f.severity) for f in found)


def test_an_exact_repeat_ignores_case_and_white_space_but_not_punctuation() -> None:
    assert kinds([asked("Add 3 + 4", "7"), asked("add  3 + 4\n", "7")]) == [(2, "exact", "warning")]
    assert kinds([asked("Add 3 + 4", "7"), asked("Add 3 - 4", "-1")]) == []


def test_a_near_repeat_names_the_row_and_how_much_is_shared() -> None:
    found = result(Duplicates(), rows_of([Document(text=LONG), Document(text=LONG.replace("mill", "inn"))])).findings
    assert [(f.line, f.check) for f in found] == [(2, "duplicates.near")]
    # 21 words make 19 runs, 3 of which are changed: 16 / 22.
    assert found[0].reason == "73% of its 3-word runs are shared with data.jsonl:1"


def test_a_template_filled_twice_is_a_note() -> None:
    first = f"{LONG} while the men of the town sit by the water and talk about the weather and the price of corn"
    near = first.replace("corn", "wool")
    assert kinds([asked(first, "A fox."), asked(near, "A hen.")]) == [(2, "near", "note")]
    assert kinds([asked(first, "A fox."), asked(near, "A fox.")]) == [(2, "near", "warning")]
    assert kinds([asked("Who jumps?", first), asked("Who jumps?", near)]) == [
        (2, "conflict", "note"),
        (2, "near", "warning"),
    ]


def test_an_exact_repeat_of_a_near_repeat_belongs_to_the_cluster() -> None:
    near = LONG.replace("mill", "inn")
    records = [Document(text=LONG), Document(text=near), Document(text=near)]
    outcome = result(Duplicates(), rows_of(records))
    assert [(f.line, f.check) for f in outcome.findings] == [(3, "duplicates.exact"), (2, "duplicates.near")]
    assert outcome.plots["cluster_sizes"] == {"size": [3], "clusters": [1]}
    assert outcome.numbers["share_of_rows_that_repeat"] == 2 / 3


def test_one_prompt_with_two_answers() -> None:
    sea = "It lies by the sea, and many people go there in the summer because of its wide beaches."
    records = [
        asked("Is it blue?", "yes"),
        asked("is it blue?", "no"),
        asked("Is it blue?", "yes"),
        asked("Where?", "here"),
    ]
    assert kinds(records) == [(2, "conflict", "warning"), (3, "exact", "warning")]
    assert kinds([asked("Describe it.", sea), asked("Describe it.", "A town of some size.")]) == [
        (2, "conflict", "note")
    ]


def test_the_whole_conversation_is_the_prompt() -> None:
    first = asked("Is it blue?", "yes")
    turn = (Message("system", "You are colour-blind."), *first.messages[:1], Message("assistant", "no"))
    assert kinds([first, type(first)(messages=turn)]) == []


def test_a_comparison_that_was_turned_round() -> None:
    ask = (Message("user", "Which one do you like?"),)
    records = [
        Comparison(messages=ask, chosen="tea", rejected="milk"),
        Comparison(messages=ask, chosen="milk", rejected="tea"),
        Comparison(messages=ask, chosen="milk", rejected="water"),
        Comparison(messages=ask, chosen="tea", rejected="tea"),
    ]
    assert kinds(records) == [(2, "reversed", "warning")]


def test_records_of_one_line_are_not_repeats_of_each_other() -> None:
    prompt = Prompt(messages=(Message("user", LONG),))
    rows = [CheckedRow("f", 1, prompt), CheckedRow("f", 1, prompt), CheckedRow("f", 2, prompt)]
    assert [f.line for f in result(Duplicates(), rows).findings] == [2]


def test_rows_that_differ_are_left_alone() -> None:
    records = [asked(f"What is {i} times {j}?", str(i * j)) for i in range(2, 12) for j in range(2, 12)]
    assert kinds(records) == []


def test_however_the_rows_are_divided() -> None:
    words = LONG.split()
    records = [asked(" ".join([*words[:15], *(f"n{i % 40}x{j}" for j in range(5))]), str(i % 3)) for i in range(150)]
    outcome = same_however_divided(Duplicates(), rows_of(records))
    assert {f.check for f in outcome.findings} == {"duplicates.exact", "duplicates.near", "duplicates.conflict"}
