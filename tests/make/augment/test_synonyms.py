from __future__ import annotations

import random

import pytest

from tunesmith.core.errors import DataError
from tunesmith.make.augment.method import Draw, Unfit, asked
from tunesmith.make.augment.protect import COUNTING_WORDS
from tunesmith.make.augment.synonyms import built_in, parse_thesaurus, synonyms

from ..rows import demo


def test_the_form_of_the_table() -> None:
    table = parse_thesaurus("# no\nbuy buys = purchase purchases\nglad > quite_happy\n", "t")
    assert table == {
        "buy": ("purchase",),
        "purchase": ("buy",),
        "buys": ("purchases",),
        "purchases": ("buys",),
        "glad": ("quite happy",),
    }
    with pytest.raises(DataError, match="t:1"):
        parse_thesaurus("buy buys = purchase", "t")


def test_the_built_in_table_is_sound() -> None:
    table = built_in()
    assert len(table) > 200
    assert all(
        word not in others and all(other and "_" not in other for other in others) for word, others in table.items()
    )
    assert not COUNTING_WORDS & set(table)


@pytest.mark.parametrize(
    ("prompt", "after"),
    [
        ("It was a big house", "It was an enormous house"),
        ("It was an ugly house", "It was a plain house"),
        ("So Ugly", "So Ugly"),
        ("A BIG", "A BIG"),
    ],
)
def test_articles_and_capitals_follow(prompt: str, after: str) -> None:
    draw = Draw(rng=random.Random(0), rate=1.0, thesaurus={"big": ("enormous",), "ugly": ("plain",)})
    done = synonyms(demo(prompt), draw)
    # A capital inside a sentence is a name's, and names stay.
    assert (prompt if isinstance(done, Unfit) else asked(done)) == after  # type: ignore[arg-type]
