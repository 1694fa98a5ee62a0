"""Messy chats and pages for property tests: control tokens, unicode, long and empty texts in every field."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from tunesmith.context.page import Block, Page, passages_of
from tunesmith.context.retrieve import Hit
from tunesmith.core.records import Message

from ..text.tokenizers import KINDS, special_tokens

ALL_SPECIAL = sorted({token for kind in KINDS for token in special_tokens(kind)})
_WORDS = [
    "order",
    "refund",
    "30 days",
    "Größe",
    "日本語。",
    "🙂",
    "\u202e",
    "\u0000",
    "e\u0301",
    "\n\n",
    "?!",
    "a" * 20,
]


class Case(NamedTuple):
    kind: str
    messages: list[Message]
    pages: list[Page]
    hits: list[Hit]
    max_length: int
    max_tokens: int


def texts(most: int = 6) -> st.SearchStrategy[str]:
    piece = st.one_of(st.sampled_from(_WORDS), st.sampled_from(ALL_SPECIAL), st.text(max_size=8))
    repeated = st.builds(
        lambda parts, n: " ".join(parts) * n, st.lists(piece, max_size=most), st.sampled_from([1, 1, 4])
    )
    return repeated


@st.composite
def pages(draw: Any, number: int) -> Page:
    blocks = [Block(draw(texts(3)), draw(texts())) for _ in range(draw(st.integers(1, 3)))]
    name = f"{number}-{draw(texts(2))}"
    return Page(name, draw(texts(2)), tuple(blocks))


@st.composite
def cases(draw: Any) -> Case:
    kind = draw(st.sampled_from(sorted(KINDS)))
    messages = []
    if kind != "gemma" and draw(st.booleans()):  # Gemma's template has no system role
        messages.append(Message("system", draw(texts(4))))
    for _ in range(draw(st.integers(0, 4))):
        messages += [Message("user", draw(texts(6))), Message("assistant", draw(texts(6)))]
    messages.append(Message("user", draw(texts(6))))
    known = [draw(pages(number)) for number in range(draw(st.integers(0, 3)))]
    pointed = [page for page in known if draw(st.booleans())]
    hits = [Hit(p, float(9 - i)) for i, p in enumerate(x for page in known for x in passages_of(page))][:8]
    max_length = draw(st.one_of(st.integers(40, 400), st.integers(400, 1500)))
    return Case(kind, messages, pointed, hits, max_length, draw(st.integers(1, 64)))
