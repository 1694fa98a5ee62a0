from __future__ import annotations

from tunesmith.core.records import Demonstration, Document
from tunesmith.make.augment.augment import Strength, augment
from tunesmith.make.augment.known import methods
from tunesmith.store import split

from ..rows import demo

TASKS = ["Describe", "Explain", "Outline", "Compare"]
RECORDS = [
    demo(f"{TASKS[n % 4]} the history of village number {n} and its people.", f"Long ago ({n}).") for n in range(60)
]


def test_variants_never_leave_their_parents_part() -> None:
    made = augment(RECORDS, methods([]), strength=Strength(share=0.2, rate=0.2), seed=0)
    parts = split([*RECORDS, *made.variants], fractions={"train": 0.5, "test": 0.5}, seed=1)
    prompts = {name: {r.messages[0].content for r in part if "augmented" not in r.meta} for name, part in parts.items()}  # type: ignore[union-attr]
    keys = {name: {key for r in part for key in r.meta.get("split_keys", ())} for name, part in parts.items()}
    assert not keys["train"] & keys["test"]
    for prompt in prompts["train"]:
        assert not any(prompt in key for key in keys["test"])


def test_the_share_is_the_share() -> None:
    made = augment(RECORDS, methods(["complexity"]), strength=Strength(share=0.5, rate=0.1), seed=0)
    assert 15 <= len(made.variants) <= 45


def test_documents_are_counted_and_gold_goes_where_the_answer_changed() -> None:
    records = [
        Document(text="A text."),
        demo("Name a river in Europe that is long.", "The Volga.", gold={"exact": "x"}),
    ]
    made = augment(records, methods(["contradiction", "complexity"]), strength=Strength(share=1, rate=0.1), seed=0)
    assert made.unfit["complexity"] == {"a document has no prompt": 1}
    assert {v.meta["augmented"]["method"]: "gold" in v.meta for v in made.variants} == {
        "contradiction": False,
        "complexity": True,
    }


def test_two_requests_have_both_answers_in_order() -> None:
    [a, b] = [demo("Name a colour.", "Blue."), demo("Name a fish.", "Carp.")]
    made = augment([a, b], methods(["interleave"]), strength=Strength(share=1, rate=0.1), seed=0)
    for variant in made.variants:
        assert isinstance(variant, Demonstration)
        prompt, answer = variant.messages[0].content, variant.completion
        assert (prompt.index("colour") < prompt.index("fish")) == (answer.index("Blue") < answer.index("Carp"))
        assert len(variant.meta["split_keys"]) == 2 and variant.meta["augmented"]["partner"]
