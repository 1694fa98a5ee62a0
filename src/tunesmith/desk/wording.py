"""Say one thing in many ways: a small alternation language, so that prompts vary in clause and order.

`{a|b|c}` picks one alternative (they nest; an empty alternative is allowed) and `$name` is replaced by a slot (`$45`
stays). Where a
choice has four alternatives or more, the last one is held out: only the test split says it.
"""

from __future__ import annotations

import random
import re
from functools import lru_cache

from tunesmith.core.errors import DataError
from tunesmith.desk.world import Split

_HOLD_OUT_FROM = 4  # choices with at least so many alternatives keep their last one for the test split
_TOKEN = re.compile(r"[{|}]|\$[a-z]+|[^{|}$]+|\$")

_SPACES = re.compile("  +")

_Node = str | tuple["_Branch", ...]
_Branch = tuple[_Node, ...]


class Voice:
    """A source of wordings: a generator and the split that says which alternatives may be used."""

    def __init__(self, rng: random.Random, split: Split) -> None:
        self.rng = rng
        self.split: Split = split

    def say(self, text: str, **slots: object) -> str:
        """Return one wording of `text`, with `$name` replaced by `slots[name]`.

        Raises:
            DataError: braces do not match.
            KeyError: a slot is missing.
        """
        out: list[str] = []
        self._walk(_parse(text), slots, out)
        said = "".join(out)
        return _SPACES.sub(" ", said) if "  " in said else said  # an empty alternative leaves its space

    def one_of(self, *texts: str, **slots: object) -> str:
        """Return one wording of one of the texts; the last of four or more is held out for the test split."""
        return self.say(texts[self._pick(len(texts))], **slots)

    def sentence(self, text: str, end: str = ".", **slots: object) -> str:
        """Return one wording with a capital first letter and a full stop, unless it already ends a sentence."""
        said = " ".join(self.say(text, **slots).split())
        said = said[:1].upper() + said[1:]
        return said if said.endswith((".", "!", "?")) else said + end

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self.rng.random() < probability

    def _pick(self, n: int) -> int:
        return int(self.rng.random() * (n - 1 if n >= _HOLD_OUT_FROM and self.split == "train" else n))

    def _walk(self, branch: _Branch, slots: dict[str, object], out: list[str]) -> None:
        for node in branch:
            if isinstance(node, tuple):
                self._walk(node[self._pick(len(node))], slots, out)
            elif node[:1] == "$" and len(node) > 1:
                out.append(str(slots[node[1:]]))
            else:
                out.append(node)


@lru_cache(maxsize=16384)
def _parse(text: str) -> _Branch:
    tokens = _TOKEN.findall(text)
    if not _balanced(tokens):
        raise DataError("braces do not match", where=text)
    return _alternatives(tokens, 0)[0][0]


def _balanced(tokens: list[str]) -> bool:
    """Return whether every brace has its partner and no bar stands outside braces."""
    depth = 0
    for token in tokens:
        depth += (token == "{") - (token == "}")
        if depth < 0 or (depth == 0 and token == "|"):
            return False
    return depth == 0


def _alternatives(tokens: list[str], at: int) -> tuple[tuple[_Branch, ...], int]:
    """Parse `a|b|...` from `at` to the closing brace or the end; the second value is the index after it."""
    branches: list[_Branch] = []
    current: list[_Node] = []
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token == "{":
            inner, at = _alternatives(tokens, at)
            current.append(inner)
        elif token == "|":
            branches.append(tuple(current))
            current = []
        elif token == "}":
            return (*branches, tuple(current)), at
        else:
            current.append(token)
    return (*branches, tuple(current)), at
