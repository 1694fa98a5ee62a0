from __future__ import annotations

from collections import Counter

import pytest

from tunesmith.core.records import Completion
from tunesmith.label.blind import letters, names_its_maker, shown_order

COMPLETIONS = [Completion(id=name, text=name) for name in "abcd"]


def test_the_order_is_one_s_own_and_stays() -> None:
    first = shown_order(COMPLETIONS, seed=1, item_id=1, user_id=1)
    assert sorted(first) == list("abcd")
    assert first == shown_order(list(reversed(COMPLETIONS)), seed=1, item_id=1, user_id=1)
    assert letters(first) == dict(zip("ABCD", first, strict=True))


def test_every_place_is_as_likely() -> None:
    """Over 2,000 labelers each completion is first about 500 times; four standard deviations are 77."""
    firsts = Counter(shown_order(COMPLETIONS, seed=1, item_id=1, user_id=n)[0] for n in range(2000))
    assert all(abs(n - 500) < 78 for n in firsts.values())


@pytest.mark.parametrize(
    "text", ["As an AI language model, I cannot", "I'm ChatGPT.", "I was trained by OpenAI", "i am Claude"]
)
def test_a_text_that_names_its_maker(text: str) -> None:
    assert names_its_maker(text)


@pytest.mark.parametrize(
    "text", ["I am air-dried.", "The model is blue.", "We are open.", "Claude Monet painted this."]
)
def test_a_text_that_does_not(text: str) -> None:
    assert not names_its_maker(text)
