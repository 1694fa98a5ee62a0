from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tunesmith.context.page import Block, Page, passages_of
from tunesmith.context.retrieve import Index, terms_of

TEXTS = {
    "returns": "You may return shoes within 60 days.",
    "hours": "We are open from Monday to Friday.",
    "café": "Le café est fermé.",
    "日本": "東京の天気は晴れです。",
}
PASSAGES = [passage for name, text in TEXTS.items() for passage in passages_of(Page(name, name, (Block("", text),)))]


def found(question: str, index: Index | None = None) -> list[str]:
    return [hit.passage.page for hit in (index or Index(PASSAGES)).search(question, most=5)]


def test_finds_by_word_in_any_script() -> None:
    assert found("Can I return a shoe?") == ["returns"]
    assert found("CAFE") == ["café"]
    assert found("天気")[0] == "日本"
    assert found("which days is it?") == ["returns"]


def test_nothing_in_common_is_no_hit() -> None:
    assert found("quantum chromodynamics") == [] == found("what is the") == found("") == found("🙂")
    assert Index([]).search("x", most=3) == []


def test_equal_passages_keep_their_order() -> None:
    twins = [p for n in "abc" for p in passages_of(Page(n, "same", (Block("", "the same refund text"),)))]
    assert found("refund", Index(twins)) == ["a", "b", "c"]


def test_embeddings_find_what_words_do_not() -> None:
    def meaning(texts: Sequence[str]) -> NDArray[np.float32]:
        times = ("open", "monday", "when")
        return np.array([[float(any(w in t.lower() for w in times)), 0.1] for t in texts], dtype=np.float32)

    index = Index(PASSAGES, meaning)
    assert found("when", index)[0] == "hours"
    assert found("return shoes, when?", index)[:2] == ["returns", "hours"]


def test_terms() -> None:
    assert terms_of("Naïve Shoes; GLASS ﬁt") == ["naive", "shoe", "glass", "fit"]
