from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.make.rouge import rouge_l, rouge_l_reaches, tokens


def test_by_hand() -> None:
    # Lin 2004, section 3.1: "police killed the gunman" / "police kill the gunman": LCS 3 of 4 and 4.
    assert rouge_l(tokens("police killed the gunman"), tokens("police kill the gunman")) == pytest.approx(0.75)
    # "the gunman kill police": LCS 2.
    assert rouge_l(tokens("police killed the gunman"), tokens("the gunman kill police")) == pytest.approx(0.5)
    # Unequal lengths, F with beta 1: LCS 2, 2*2/(2+5).
    assert rouge_l(list("ab"), list("xaxbx")) == pytest.approx(4 / 7)
    assert rouge_l([], ["a"]) == 0.0


WORDS = st.lists(st.sampled_from("abcd"), max_size=8)


@given(one=WORDS, other=WORDS, threshold=st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]))
def test_the_shortcut_decides_alike(one: list[str], other: list[str], threshold: float) -> None:
    assert rouge_l_reaches(one, other, threshold) == (rouge_l(one, other) >= threshold)
    assert rouge_l(one, other) == rouge_l(other, one)
