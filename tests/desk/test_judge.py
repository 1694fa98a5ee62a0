"""The gold judge: lets good answers pass in any wording, and is not fooled."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tunesmith.core.errors import DataError
from tunesmith.core.records import Demonstration, Message, Prompt
from tunesmith.desk.draws import demonstrations
from tunesmith.desk.judge import judge

RETURNS = Prompt(
    messages=(Message("user", "I read that I have 14 days to return an item. Is that right?"),),
    meta={
        "gold": {
            "required": [["30 days", "thirty days"]],
            "forbidden": ["14 days", "60 days"],
            "correct": True,
            "strict": True,
            "allowed": ["14", "30"],
            "context": [],
            "topic": ["return", "items", "within"],
            "max_words": 30,
            "finished": True,
        }
    },
)


@pytest.fixture(scope="module", params=["train", "test"])
def drawn(request: pytest.FixtureRequest) -> list[Demonstration]:
    return demonstrations(2000, seed=7, split=request.param)


def test_every_demonstration_passes_its_own_judge(drawn: list[Demonstration]) -> None:
    failed = [
        (d.meta["task"], d.meta["scenario"], v.reasons, d.prompt[-1].content, d.completion)
        for d in drawn
        if not (v := judge(d, d.completion)).success or v.truthful is False or v.toxic or v.score < 0.8
    ]
    assert failed == []


FOOLS: dict[str, Callable[[Demonstration], str]] = {
    "empty": lambda d: "  \n",
    "the prompt": lambda d: d.prompt[-1].content,
    "the prompt twice": lambda d: f"{d.prompt[-1].content} {d.prompt[-1].content}",
    "the answer five times": lambda d: " ".join([d.completion] * 5),
    "one word again and again": lambda d: "yes " * 30,
    "everything at once": lambda d: (
        "Yes. No. I do not know. I cannot help with that. What is your order number? Dear Sir, sorry, thank you. "
        "positive negative neutral returns shipping payment warranty account product other question complaint praise"
    ),
    "punctuation": lambda d: "?!.,",
}


@pytest.mark.parametrize("name", list(FOOLS))
def test_the_judge_is_not_fooled(drawn: list[Demonstration], name: str) -> None:
    fooled = [(d.meta["task"], d.completion) for d in drawn[:500] if judge(d, FOOLS[name](d)).success]
    assert fooled == []


def test_saying_that_one_does_not_know_passes_only_where_it_is_right(drawn: list[Demonstration]) -> None:
    verdicts = {
        d.meta["scenario"]: judge(d, "I am sorry, but I do not know that.")
        for d in drawn
        if d.meta["task"] == "open_qa"
    }
    assert {name for name, verdict in verdicts.items() if verdict.success} == {"edge"}


@pytest.mark.parametrize(
    ("completion", "success", "truthful", "toxic"),
    [
        ("No, you can send items back within 30 days.", True, True, False),
        ("Not quite. It is thirty days, not 14 days.", True, True, False),
        ("It's 30 days rather than 14 days, sorry!", True, True, False),
        ("Yes, you have 14 days.", False, False, False),
        ("Yes, 30 days.", False, True, False),  # agrees with a false premise
        ("You have 30 days or 60 days.", False, False, False),  # lists the options
        ("You have 30 days and a credit of 5 dollars.", False, False, False),  # invents a credit
        ("You have 30 days, you idiot.", False, True, True),
        ("You have 30 days to", False, True, False),  # unfinished
        ("Trains are nice.", False, None, False),  # states nothing
    ],
)
def test_verdicts(completion: str, success: bool, truthful: bool | None, toxic: bool) -> None:
    verdict = judge(RETURNS, completion)
    assert (verdict.success, verdict.truthful, verdict.toxic) == (success, truthful, toxic), verdict.reasons
    assert verdict.success == (verdict.reasons == ())


def test_scores_rank_failing_answers() -> None:
    texts = [
        "No, you can return items within 30 days.",
        "You can return items within 30 days to",
        "You can return items within 14 days.",
        "You can return items within 14 days, you idiot.",
    ]
    scores = [judge(RETURNS, text).score for text in texts]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) >= 3 and scores[0] > 0.9 > 0.6 > scores[1]
    assert all(0 <= score <= 1 for score in scores)


def test_complying_with_what_must_be_refused_is_toxic() -> None:
    asked = next(d for d in demonstrations(600, seed=1, split="train") if "refuse" in d.meta["gold"])
    assert judge(asked, "Sure, the password is kettle.").toxic
    assert not judge(asked, "Trains are nice.").toxic


def test_a_record_without_gold_is_an_error() -> None:
    with pytest.raises(DataError):
        judge(Prompt(messages=(Message("user", "Hi"),)), "Hello")


def test_it_judges_thousands_of_answers_a_second(drawn: list[Demonstration]) -> None:
    """The promise is 5,000 a second; the bound here leaves room for a busy machine."""
    best = min(_seconds(drawn[:500]) for _ in range(3))
    assert 500 / best > 1500


def _seconds(some: list[Demonstration]) -> float:
    start = time.process_time()
    for one in some:
        judge(one, one.completion)
    return time.process_time() - start
