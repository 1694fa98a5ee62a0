from __future__ import annotations

import random

from tests.checks.dividing import asked, result, rows_of, same_however_divided
from tunesmith.checks.check import CheckedRow
from tunesmith.checks.leakage import (
    Leakage,
    LeakageConfig,
    Reference,
    ReferenceText,
    SplitLeakage,
    index,
    reference_texts,
)
from tunesmith.core.records import Document, Message, Prompt

QUESTION = "Janet's ducks lay sixteen eggs per day and she eats three for breakfast every morning before work"
OTHER = "A train leaves the station at noon and travels north at sixty miles an hour for three hours straight"


def reference(*texts: str, **config: object) -> Reference:
    given = [ReferenceText(f"test.jsonl:{i}", text) for i, text in enumerate(texts, start=1)]
    return index(given, LeakageConfig(**config))


def leaks(texts: list[str], *against: str, **config: object) -> list[tuple[int, str]]:
    check = Leakage(reference(*against, **config), LeakageConfig(**config))
    return [(f.line, f.reason) for f in result(check, rows_of([Document(text=text) for text in texts])).findings]


def test_a_row_that_holds_a_test_text_is_named_with_it() -> None:
    texts = [
        f"Homework: {QUESTION.upper()}. Thanks!",
        "Nothing of the kind is said in this sentence about ducks and eggs.",
    ]
    assert leaks(texts, OTHER, QUESTION) == [(1, "holds 100% of the 8-word runs of test.jsonl:2")]


def test_a_row_leaks_from_the_least_share_on() -> None:
    # 17 words, 10 runs of 8; the first 12 words hold 5 of them, the first 11 hold 4.
    words = QUESTION.replace("'", "").split()
    assert leaks([" ".join(words[:12])], " ".join(words)) == [(1, "holds 50% of the 8-word runs of test.jsonl:1")]
    assert leaks([" ".join(words[:11])], " ".join(words)) == []
    assert len(leaks([" ".join(words[:11])], " ".join(words), min_share=0.4)) == 1


def test_the_best_of_several_references_is_named() -> None:
    words = QUESTION.split()
    longer = " ".join([*words, "and she sells what is left over at the market"])
    assert [reason[-1] for _, reason in leaks([longer], QUESTION, longer)] == ["2"]


def test_figures_alone_are_no_test_text() -> None:
    figures = "1 2 3 4 5 6 7 8 9"
    assert leaks([f"The cells say {figures}, as always."], figures) == []
    assert reference(figures).skipped == 1
    assert len(leaks([f"The cells say {figures} in a row."], f"{figures} in a row")) == 1


def test_a_short_test_text_must_be_the_whole_text() -> None:
    assert leaks(["What is the capital?", "Tell me: What is the capital?"], "what is the capital") == [
        (1, "holds the whole of test.jsonl:1")
    ]
    assert leaks(["Is it so?"], "Is it so?") == [], "three words say nothing"


def test_boilerplate_of_many_test_texts_does_not_count() -> None:
    stem = "Choose the best answer from the four options that are given below"
    tests = [f"{stem} question number {i} of the {i}th paper asks about topic {i}" for i in range(11)]
    assert leaks([stem], *tests, min_share=0.1) == []
    assert len(leaks([stem], *tests[:5], min_share=0.1)) == 1
    # The same passage in many rows is one text.
    assert len(leaks([QUESTION], *[QUESTION] * 20)) == 1


def test_what_is_looked_for_in_a_reference_file() -> None:
    rows = rows_of([asked("Is it?", "I do not know"), asked("So?", " ".join("abcdefghi"))])
    rows.append(CheckedRow("t", 3, Prompt(messages=(Message("system", QUESTION), Message("user", "And?")))))
    assert [t.text for t in reference_texts(rows, LeakageConfig())] == ["Is it?", "So?", "a b c d e f g h i", "And?"]


def test_an_empty_reference_finds_nothing_and_says_what_it_skipped() -> None:
    check = Leakage(reference("too short", ""))
    outcome = result(check, rows_of([Document(text=QUESTION)]))
    assert outcome.findings == []
    assert outcome.numbers["reference_texts_without_countable_run"] == 2
    assert result(Leakage(reference()), rows_of([Document(text=QUESTION)])).findings == []


def test_planted_leaks_are_found_and_nothing_else_however_the_rows_are_divided() -> None:
    rng = random.Random(0)
    words = [f"w{i}" for i in range(500)]
    tests = [" ".join(rng.choices(words, k=20)) for _ in range(50)]
    rows = [" ".join(rng.choices(words, k=60)) for _ in range(300)]
    planted = {i: tests[i % 50] for i in range(0, 300, 20)}
    for i, text in planted.items():
        rows[i] = f"{rows[i]} {text} {rows[i]}"
    outcome = same_however_divided(Leakage(reference(*tests)), rows_of([Document(text=row) for row in rows]))
    assert [f.line - 1 for f in outcome.findings] == list(planted)


def test_a_question_of_the_same_form_is_a_warning() -> None:
    check = Leakage(reference(QUESTION))
    rows = rows_of([Document(text=QUESTION), Document(text=QUESTION.replace("before work", "after church"))])
    assert [(f.line, f.severity) for f in result(check, rows).findings] == [(1, "error"), (2, "warning")]


def test_prompts_in_two_splits() -> None:
    train = rows_of(
        [asked(QUESTION, "18"), asked(OTHER, "180"), asked("Is this one alone in all the files?", "yes")], "train.jsonl"
    )
    test = rows_of(
        [asked(QUESTION.replace("Janet", "Mary"), "16"), asked(OTHER, "none"), asked(OTHER, "twice")], "test.jsonl"
    )
    outcome = same_however_divided(SplitLeakage(), [*train, *test])
    assert [(f.file, f.line) for f in outcome.findings] == [("test.jsonl", n) for n in (1, 2, 3)]
    assert outcome.findings[0].reason.startswith("nearly the prompt of train.jsonl:1")
    assert outcome.findings[1].reason.startswith("the prompt of train.jsonl:2")
    assert outcome.numbers["between"] == {"train / test": 3}


def test_a_repeat_inside_one_split_is_no_leak_and_the_label_of_a_row_is_its_split() -> None:
    same = [asked(QUESTION, "18", split="train"), asked(QUESTION, "18", split="train")]
    assert result(SplitLeakage(), rows_of(same)).findings == []
    across = [asked(QUESTION, "18", split="train"), asked(QUESTION, "18", split="test")]
    assert len(result(SplitLeakage(), rows_of(across)).findings) == 1


def test_only_named_splits_make_an_error() -> None:
    question = asked("How far is the harbour from the old town by boat?", "An hour.")

    def severities(first: str, second: str) -> list[str]:
        findings = result(SplitLeakage(), [*rows_of([question], first), *rows_of([question], second)]).findings
        return [finding.severity for finding in findings]

    assert severities("data/train.jsonl", "data/test.jsonl") == ["error"]
    assert severities("parts/train/records.jsonl", "parts/test/records.jsonl") == ["error"]
    assert severities("a.jsonl", "contest.jsonl") == ["warning"]
    assert severities("train-0.jsonl", "train-1.jsonl") == []


def test_a_prompt_that_is_nearly_the_same_weighs_one_step_less() -> None:
    first = asked("How far is the harbour from the old town by boat when the tide is low in winter?", "An hour.")
    other = asked("How far is the harbour from the old town by boat when the tide is low in summer?", "Two hours.")

    def severity(one: str, two: str) -> str:
        [finding] = result(SplitLeakage(), [*rows_of([first], one), *rows_of([other], two)]).findings
        return finding.severity

    assert (severity("train.jsonl", "test.jsonl"), severity("a.jsonl", "contest.jsonl")) == ("warning", "note")


def test_one_file_without_labels_has_no_splits() -> None:
    rows = rows_of([asked("How far is the harbour from the old town?", "Far.", **meta) for meta in ({}, {}, {})])
    outcome = same_however_divided(SplitLeakage(by_file=False), rows * 5)
    assert outcome.numbers == {"rows": 15, "rows_without_a_split": 15, "splits": 0}
    assert outcome.advice == ("there are no two splits to compare",)
    labels = [asked("How far is the harbour from the old town?", "Far.", split=name) for name in ("a", "b")]
    mixed = [*rows_of(labels), *rows]
    assert len(same_however_divided(SplitLeakage(by_file=False), mixed).findings) == 1
