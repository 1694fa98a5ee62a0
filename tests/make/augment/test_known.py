"""What every method promises: the answer stays right, what it rests on stays in the prompt, nothing hangs on order."""

from __future__ import annotations

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Comparison, Demonstration, Message, Prompt, Record, record_id
from tunesmith.make.augment.augment import Strength, augment
from tunesmith.make.augment.known import METHODS, methods

from ..rows import demo

FULL = Strength(share=1.0, rate=0.5)
# Prompts whose answers rest on exact pieces; the pieces must be in every variant that keeps the answer.
KEPT: list[tuple[Demonstration, list[str]]] = [
    (
        demo("Janet sells three dozen eggs for $2 each. How much does she make every day?", "She makes $72."),
        ["three", "dozen", "$2"],
    ),
    (
        demo(
            "Who wrote the book that Elizabeth Bennet appears in, according to the article?",
            "Jane Austen wrote Pride and Prejudice.",
        ),
        ["Elizabeth Bennet"],
    ),
    (
        demo(
            'What did the captain mean when he shouted "hard to starboard" during the storm?',
            "He wanted the ship turned right.",
        ),
        ["hard to starboard"],
    ),
    (
        demo("What does this program print when somebody runs it?\n\n```python\nprint(len('abc') * 2)\n```", "6"),
        ["print(len('abc') * 2)"],
    ),
    (
        demo('Which customer does this order belong to? {"order": 4411, "name": "Lee"}', "Lee"),
        ['{"order": 4411, "name": "Lee"}'],
    ),
    (demo("Please write to ann@example.org about the invoice from yesterday afternoon.", "Done."), ["ann@example.org"]),
    (demo("Which of these animals is a mammal: salmon, dolphin, or pigeon?", "The dolphin."), ["dolphin"]),
]
CHARACTER_NOISE = ("typos", "keyboard", "case", "punctuation", "spaces", "homoglyphs", "synonyms", "paraphrase")
OPEN = [
    demo("Explain why the sky looks blue during daytime, for example to a small child.", "Because of scattering."),
    demo("How do I buy a big present quickly?", "Go to a shop."),
    demo("A baker sells 12 loaves. Tom buys 3 loaves. How many loaves are unsold?", "9"),
    demo("Summarize the following text.\n\nThe bridge over the river was closed on Monday.", "The bridge closed."),
    *(record for record, _ in KEPT),
]


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.answer == "kept"])
@pytest.mark.parametrize("seed", range(6))
def test_a_method_that_keeps_the_answer_keeps_what_it_rests_on(name: str, seed: int) -> None:
    parents = {record_id(record): (record, pieces) for record, pieces in KEPT}
    for variant in augment([record for record, _ in KEPT], methods([name]), strength=FULL, seed=seed).variants:
        assert isinstance(variant, Demonstration)
        parent, pieces = parents[variant.meta["augmented"]["parent"]]
        assert variant.completion == parent.completion
        assert all(piece in variant.messages[0].content for piece in pieces), variant.messages[0].content


@pytest.mark.parametrize("name", METHODS)
def test_a_variant_differs_and_says_where_it_comes_from(name: str) -> None:
    made = augment(OPEN, methods([name]), strength=FULL, seed=1)
    assert made.variants and made.made[name] == len(made.variants)
    by_id = {record_id(record): record for record in OPEN}
    for variant in made.variants:
        assert isinstance(variant, Demonstration)
        parent = by_id[variant.meta["augmented"]["parent"]]
        assert variant.messages[0] != parent.messages[0]
        assert variant.meta["augmented"]["method"] == name and variant.meta["augmented"]["seed"] == 1
        assert variant.meta["scenario"] == METHODS[name].scenario
        rewritten = METHODS[name].answer == "rewritten"
        assert (variant.completion != parent.completion) == rewritten


@pytest.mark.parametrize("name", METHODS)
def test_order_and_company_do_not_matter(name: str) -> None:
    def made(records: list[Demonstration], seed: int = 5) -> set[str]:
        chosen = augment(records, methods([name]), strength=Strength(share=0.6, rate=0.3), seed=seed)
        return {record_id(variant) for variant in chosen.variants}

    assert made(OPEN) == made(OPEN[::-1])
    if name != "interleave":  # its partner comes from the set
        assert made(OPEN[:4]) <= made(OPEN)
    assert any(made(OPEN, seed) != made(OPEN) for seed in range(6, 10))


@pytest.mark.parametrize("name", CHARACTER_NOISE[:6])
@pytest.mark.parametrize(
    "prompt",
    [
        "How many letters are in the word strawberry?",
        "Correct the spelling: I has two dog.",
        "Translate this into French: good morning",
        "Rewrite the sentence in capital letters. the cat sat",
    ],
)
def test_tasks_about_form_are_left_alone(name: str, prompt: str) -> None:
    made = augment([demo(prompt, "x")], methods([name]), strength=FULL, seed=0)
    assert not made.variants and made.unfit[name] == {"the task may be about the text's form": 1}


def test_other_kinds_keep_their_answers() -> None:
    messages = (Message("system", "Be kind."), Message("user", "Describe the weather in autumn, please."))
    records: list[Record] = [
        Comparison(messages=messages, chosen="Good.", rejected="Bad."),
        Prompt(messages=messages),
    ]
    variants = augment(records, methods(["typos"]), strength=FULL, seed=0).variants
    assert len(variants) == 2 and all(v.messages[0] == messages[0] for v in variants)  # type: ignore[union-attr]
    assert isinstance(variants[0], Comparison) and variants[0].chosen == "Good."


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean typos"):
        methods(["typo"])
