"""Messy chats and pages for property tests: control tokens, unicode, long and empty texts in every field.

A case is drawn by hypothesis as one number and made from it by `random`, which is many times faster than drawing each
text; a failing number can be replayed with `case_of`.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from tunesmith.context.page import Block, Page, passages_of
from tunesmith.context.retrieve import Hit
from tunesmith.core.records import Message

from ..text.tokenizers import KINDS, special_tokens

ALL_SPECIAL = sorted({token for kind in KINDS for token in special_tokens(kind)})
_WORDS = [
    "order",
    "refund",
    "30 days.",
    "Größe",
    "日本語。",
    "🙂",
    "\u202e",
    "\0",
    "e\u0301",
    "\n\n",
    "?! ",
    "a" * 20,
    "",
]


class Case(NamedTuple):
    kind: str
    messages: list[Message]
    pages: list[Page]
    hits: list[Hit]
    max_length: int
    max_tokens: int


def _character(draw: random.Random) -> str:
    code = draw.randrange(*draw.choice([(0, 128), (128, 0x800), (0x800, 0xD800), (0xE000, 0x110000)]))
    return chr(code)


def text(draw: random.Random, most: int = 8) -> str:
    pieces = []
    for _ in range(draw.randint(0, most)):
        kind = draw.random()
        if kind < 0.5:
            pieces.append(draw.choice(_WORDS))
        elif kind < 0.75:
            pieces.append(draw.choice(ALL_SPECIAL))
        else:
            pieces.append("".join(_character(draw) for _ in range(draw.randint(0, 6))))
    return draw.choice(["", " ", "\n"]).join(pieces) * draw.choice([1, 1, 1, 4])


def page(draw: random.Random, number: int) -> Page:
    blocks = [Block(text(draw, 3), text(draw)) for _ in range(draw.randint(1, 3))]
    return Page(f"{number}-{text(draw, 2)}", text(draw, 2), tuple(blocks))


def case_of(seed: int) -> Case:
    draw = random.Random(seed)
    kind = draw.choice(sorted(KINDS))
    messages = []
    if kind != "gemma" and draw.random() < 0.5:  # Gemma's template has no system role
        messages.append(Message("system", text(draw, 4)))
    for _ in range(draw.randint(0, 4)):
        messages += [Message("user", text(draw, 6)), Message("assistant", text(draw, 6))]
    messages.append(Message("user", text(draw, 6)))
    known = [page(draw, number) for number in range(draw.randint(0, 3))]
    pointed = [one for one in known if draw.random() < 0.5]
    found = [passage for one in known for passage in passages_of(one)][:8]
    hits = [Hit(passage, 9.0 - i) for i, passage in enumerate(found)]
    max_length = draw.choice([draw.randint(40, 400), draw.randint(400, 1500)])
    return Case(kind, messages, pointed, hits, max_length, draw.randint(1, 64))
