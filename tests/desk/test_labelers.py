"""Simulated labelers: seeded by content, consistent, about 73 % in agreement, some held out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations

import pytest

from tunesmith.core.records import Completion, Demonstration, RankingLabel
from tunesmith.desk.draws import demonstrations
from tunesmith.desk.flawed import flawed
from tunesmith.desk.judge import judge
from tunesmith.desk.labelers import Labeler, labelers

Set = tuple[Demonstration, list[Completion]]
FLAWS = ("wrong_fact", "wrong_fact", "invented_policy", "truncated", "off_task", "rambling", "rude")


def completion_sets(n: int, *, good: float, seed: int) -> list[Set]:
    """Return prompts with four completions like a model's samples: this share good, the others flawed."""
    rng = random.Random(seed)
    sets = []
    for d in demonstrations(n, seed=seed, split="train"):
        texts: list[str] = []
        while len(texts) < 4:
            if rng.random() < good:
                texts.append(rng.choice(("", "", "Sure. ", "Hello! ", "Of course. ")) + d.completion)
            elif (text := flawed(d, rng.choice(FLAWS), seed=len(texts))) is not None:
                texts.append(text)
        sets.append((d, [Completion(id=str(i), text=text) for i, text in enumerate(texts)]))
    return sets


def places(label: RankingLabel) -> dict[str, int]:
    return {name: place for place, group in enumerate(label.order) for name in group}


def agreement(sets: Sequence[Set], crew: Sequence[Labeler]) -> float:
    """Return the share of agreement among the pairs that both labelers put in an order."""
    equal = total = 0
    for d, completions in sets:
        ranked = [places(one.rank(d, completions, seed=0)) for one in crew]
        for a, b in combinations(ranked, 2):
            for i, j in combinations(a, 2):
                product = (a[i] - a[j]) * (b[i] - b[j])
                equal += product > 0
                total += product != 0
    return equal / total


@pytest.fixture(scope="module")
def sets() -> list[Set]:
    return completion_sets(160, good=0.55, seed=3)


@pytest.mark.parametrize("heldout", [False, True])
def test_labelers_agree_on_73_percent(sets: list[Set], heldout: bool) -> None:
    """InstructGPT section 3.4: 72.6 +- 1.5 % among training labelers, 77.3 +- 1.3 % among held-out ones."""
    assert 0.69 <= agreement(sets, labelers(heldout=heldout)) <= 0.77


def test_a_label_follows_from_content_not_from_order_or_ids(sets: list[Set]) -> None:
    """T-DATA-10: a rerun is equal, and the order in which completions are shown plays no part."""
    crew = labelers(heldout=False)
    for d, completions in sets[:40]:
        renamed = [Completion(id=f"x{c.id}", text=c.text) for c in reversed(completions)]
        for one in crew:
            label = one.rank(d, completions, seed=1)
            assert one.rank(d, completions, seed=1) == label
            again = places(one.rank(d, renamed, seed=1))
            assert {name.removeprefix("x"): place for name, place in again.items()} == places(label)


def test_another_seed_is_another_sitting(sets: list[Set]) -> None:
    one = labelers(heldout=False)[0]
    assert any(one.rank(d, c, seed=0).order != one.rank(d, c, seed=1).order for d, c in sets[:40])


def test_equal_texts_tie(sets: list[Set]) -> None:
    """T-DATA-10: identical outputs are never ordered."""
    d, _ = sets[0]
    twins = [Completion(id=name, text=d.completion) for name in "ab"]
    for one in labelers(heldout=False):
        assert one.rank(d, twins, seed=0).order == (("a", "b"),)
        assert one.compare(d, d.completion, d.completion, seed=0) == "tie"


def test_compare_agrees_with_rank(sets: list[Set]) -> None:
    one = labelers(heldout=True)[0]
    for d, (a, b, *_) in sets[:60]:
        place = places(one.rank(d, [a, b], seed=2))
        expected = "tie" if place[a.id] == place[b.id] else "a" if place[a.id] < place[b.id] else "b"
        assert one.compare(d, a.text, b.text, seed=2) == expected


def test_labels_are_complete_and_ratings_follow_the_order(sets: list[Set]) -> None:
    for d, completions in sets[:60]:
        label = labelers(heldout=False)[1].rank(d, completions, seed=0)
        assert sorted(name for group in label.order for name in group) == ["0", "1", "2", "3"]
        rated = [label.ratings[group[0]] for group in label.order]
        assert rated == sorted(rated, reverse=True) and all(1 <= r <= 7 for r in rated)


def test_flags_tell_what_is_wrong_but_for_slips(sets: list[Set]) -> None:
    right = total = 0
    for d, completions in sets:
        flags = labelers(heldout=False)[0].rank(d, completions, seed=0).flags
        for c in completions:
            right += ("toxic" in flags.get(c.id, ())) == judge(d, c.text).toxic
            total += 1
    assert 0.94 < right / total < 1


def test_held_out_labelers_are_other_people() -> None:
    ours, others = ({one.id for one in labelers(heldout=h)} for h in (False, True))
    assert len(ours) >= 3 and len(others) >= 2 and not ours & others
