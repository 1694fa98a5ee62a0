"""How many tokens a text has, without tokenizing again the words that were seen before.

Byte-level BPE (GPT-2 and most models since) cuts a text before each space, and merges never cross a cut. So where no
space follows other white space, a text's tokens are those of its first piece and of each " piece" after it, exactly.
Tokenizers that are not known to cut so, and texts with wider gaps, are tokenized whole.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import orjson

from tunesmith.text.tokenizer import Tokenizer

_GAP = re.compile(r"\s ")
_KEPT_PIECES = 1 << 17


class TokenCounter:
    """Counts tokens with one tokenizer; pieces are remembered."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.by_pieces = _cuts_before_spaces(orjson.loads(tokenizer.definition()))
        self._piece = lru_cache(maxsize=_KEPT_PIECES)(lambda piece: len(tokenizer.encode(piece)))
        self._spaced = lru_cache(maxsize=_KEPT_PIECES)(lambda piece: len(tokenizer.encode(" " + piece)))

    def count(self, text: str) -> int:
        """Return `len(tokenizer.encode(text))`."""
        if not self.by_pieces or _GAP.search(text):
            return len(self._tokenizer.encode(text))
        first, *rest = text.split(" ")
        return (self._piece(first) if first else 0) + sum(map(self._spaced, rest))


def _cuts_before_spaces(definition: dict[str, Any]) -> bool:
    """Tell whether a tokenizer is a plain byte-level BPE: GPT-2's expression, digits perhaps apart, nothing else."""
    if definition["model"]["type"] != "BPE" or definition["model"].get("dropout") or definition.get("normalizer"):
        return False
    # Tokens that were added and are not control tokens are looked for before the text is cut.
    if not all(token["special"] for token in definition["added_tokens"]):
        return False
    outer = definition.get("pre_tokenizer") or {"type": "none"}
    steps = outer["pretokenizers"] if outer["type"] == "Sequence" else [outer]
    *before, last = steps
    byte_level = last["type"] == "ByteLevel" and last.get("use_regex", True) and not last["add_prefix_space"]
    return byte_level and all(step["type"] == "Digits" for step in before)
