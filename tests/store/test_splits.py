from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Comparison, Demonstration, Document, Message, Prompt, Record
from tunesmith.store.splits import cap_per_user, split, split_key

FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def prompt(text: str, **meta: str) -> Prompt:
    return Prompt(messages=(Message("user", text),), meta=meta)


def people(n: int, users: int) -> list[Record]:
    return [prompt(f"question {i}", user=f"user {i % users}") for i in range(n)]


def home(records: list[Record], seed: int = 0) -> dict[str, str]:
    """The split of each key; a key in two splits fails."""
    found: dict[str, str] = {}
    for name, members in split(records, fractions=FRACTIONS, seed=seed).items():
        for record in members:
            assert found.setdefault(split_key(record), name) == name
    return found


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_t_data_1_users_are_disjoint_in_any_order_and_stay_when_data_are_added(
    shuffler: random.Random, seed: int
) -> None:
    """T-DATA-1: user-disjoint under any input order; the same user is in the same split after adding data."""
    records = people(200, 40)
    before = home(records, seed)
    shuffled = [*records, *people(300, 60)]
    shuffler.shuffle(shuffled)
    after = home(shuffled, seed)
    assert len(before) == 40 and len(after) == 60
    assert all(after[key] == name for key, name in before.items())


def test_t_data_1_nothing_is_lost_and_the_order_stays() -> None:
    """T-DATA-1: every record is in exactly one split."""
    records = people(500, 100)
    parts = split(records, fractions=FRACTIONS, seed=1)
    assert list(parts) == list(FRACTIONS)
    assert Counter(map(id, records)) == Counter(id(r) for part in parts.values() for r in part)
    for part in parts.values():
        positions = [records.index(record) for record in part]
        assert positions == sorted(positions)


def test_the_place_is_fixed_for_all_versions() -> None:
    """A split that changes between versions would leak test data into training; these places never change."""
    assert [home([prompt("q", user=f"u{i}")], seed=0)[f"user:u{i}"] for i in range(12)] == PLACES


PLACES = [
    "train",
    "validation",
    "train",
    "train",
    "validation",
    "train",
    "train",
    "test",
    "train",
    "train",
    "train",
    "train",
]


def test_sizes_follow_the_fractions_and_seeds_differ() -> None:
    records = people(20_000, 20_000)
    sizes = {name: len(part) for name, part in split(records, fractions=FRACTIONS, seed=0).items()}
    # Four standard deviations of a binomial with n = 20,000 are 226 (p = 0.8) and 170 (p = 0.1).
    assert abs(sizes["train"] - 16_000) < 226 and abs(sizes["test"] - 2_000) < 170
    assert home(records[:200], seed=0) != home(records[:200], seed=1)


def test_without_users_the_prompt_or_the_text_decides_whatever_the_kind() -> None:
    messages = (Message("user", "q"),)
    keys = {
        split_key(Prompt(messages=messages)),
        split_key(Demonstration(messages=(*messages, Message("assistant", "a")))),
        split_key(Comparison(messages=messages, chosen="x", rejected="y")),
    }
    assert len(keys) == 1
    assert split_key(Document(text="q")) not in keys
    assert split_key(prompt("q", family="f")) == split_key(prompt("other", family="f"))
    assert split_key(prompt("q", family="f", user="u")) == split_key(prompt("other", user="u"))


@pytest.mark.parametrize(
    "fractions", [{}, {"a": 0.5}, {"a": 1.5, "b": -0.5}, {"a": 1.0, "b": 0.0}, {"a": float("nan")}]
)
def test_fractions_must_be_positive_and_sum_to_one(fractions: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="fractions"):
        split(people(3, 3), fractions=fractions, seed=0)


def test_t_data_2_at_most_200_per_user_and_the_order_does_not_choose() -> None:
    """T-DATA-2: cap 200 per user; which rows are kept is deterministic."""
    records = [*people(900, 3), prompt("nobody's")]
    kept = cap_per_user(records, 200)
    assert Counter(record.meta.get("user") for record in kept) == {"user 0": 200, "user 1": 200, "user 2": 200, None: 1}
    shuffled = records[:]
    random.Random(1).shuffle(shuffled)
    assert {str(r) for r in cap_per_user(shuffled, 200)} == {str(r) for r in kept}
    assert cap_per_user(kept, 200) == kept
    assert [records.index(r) for r in kept] == sorted(records.index(r) for r in kept)
    with pytest.raises(ConfigError):
        cap_per_user(records, 0)
