"""The count is that of the tokenizer, whatever the text; unknown tokenizers are asked whole."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers import models, normalizers, pre_tokenizers

from tests.small import chat_tokenizer
from tunesmith.desk.weights import shipped_base
from tunesmith.text.chat_template import open_template
from tunesmith.text.token_counter import TokenCounter, _cuts_before_spaces
from tunesmith.text.tokenizer import Tokenizer

PIECES = (
    *(
        "a",
        "the",
        "order",
        "don't",
        "I'll",
        "12",
        "3.14",
        "x1y",
        "é",
        "naïve",
        "日本",
        "🙂",
        "-",
        "...",
        "(b)",
        "<|end|>",
    ),
    *("\n", "\t", "\u00a0", "\r\n", " ", "  ", "\u2003", "", "'", "s", "<|user|>", "\n\n", "word\nword"),
)


@pytest.mark.parametrize(
    "tokenizer", [open_template(shipped_base()).tokenizer, chat_tokenizer()], ids=["base", "small"]
)
def test_the_count_is_the_tokenizers(tokenizer: Tokenizer) -> None:
    counter = TokenCounter(tokenizer)
    assert counter.by_pieces
    rng = random.Random(0)
    for _ in range(3000):
        text = rng.choice((" ", "")).join(rng.choices(PIECES, k=rng.randrange(9)))
        assert counter.count(text) == len(tokenizer.encode(text)), repr(text)


def definition(**change: Any) -> dict[str, Any]:
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    plain = {
        "model": {"type": "BPE"},
        "normalizer": None,
        "added_tokens": [{"special": True}],
        "pre_tokenizer": byte_level,
    }
    return {**plain, **change}


def test_only_plain_byte_level_tokenizers_are_counted_by_pieces() -> None:
    digits, byte_level = {"type": "Digits"}, definition()["pre_tokenizer"]
    assert _cuts_before_spaces(definition())
    assert _cuts_before_spaces(definition(pre_tokenizer={"type": "Sequence", "pretokenizers": [digits, byte_level]}))
    for change in (
        {"model": {"type": "Unigram"}},
        {"model": {"type": "BPE", "dropout": 0.1}},
        {"normalizer": {"type": "Lowercase"}},
        {"added_tokens": [{"special": False}]},
        {"pre_tokenizer": None},
        {"pre_tokenizer": {**byte_level, "add_prefix_space": True}},
        {"pre_tokenizer": {**byte_level, "use_regex": False}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split"}, byte_level]}},
    ):
        assert not _cuts_before_spaces(definition(**change)), change


def test_another_tokenizer_is_asked_whole() -> None:
    """One that joins words: by pieces the count would be two."""
    backend = Backend(models.WordLevel({"ab": 0, "?": 1}, unk_token="?"))
    backend.normalizer = normalizers.Replace(" ", "")
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    counter = TokenCounter(Tokenizer(backend, {}))
    assert not counter.by_pieces and counter.count("a b") == 1
