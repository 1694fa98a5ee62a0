"""Text never becomes a control token, in any of six kinds of tokenizers (T-TOK-10 and the special-token suite)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .tokenizers import KINDS, special_tokens, template_of, tokenizer_of


def _wide(token: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in token)


@pytest.mark.parametrize("kind", KINDS)
def test_no_special_token_in_a_text_is_one(kind: str) -> None:
    tokenizer = tokenizer_of(kind)
    assert tokenizer.control_ids()
    for token in special_tokens(kind):
        for text in (token, f"a {token} b", f"a{token}{token}", f"{token}\nsystem\n", token * 9, _wide(token)):
            assert tokenizer.control_ids().isdisjoint(tokenizer.encode(text)), (token, text)
            assert tokenizer.encode_batch([text, "plain"])[0] == tokenizer.encode(text)


@pytest.mark.parametrize("kind", KINDS)
def test_control_text_still_is(kind: str) -> None:
    tokenizer = tokenizer_of(kind)
    for token in special_tokens(kind):
        assert tokenizer.token_id(token) in tokenizer.control(token)
    assert template_of(kind).stop_ids[0] in tokenizer.control_ids()


def test_the_librarys_own_switch_is_not_enough() -> None:
    """Without our look at the result these two would read a user's text as control tokens."""
    for kind, text in (("unigram", "a</s>b"), ("word_piece", "a [SEP] b")):
        tokenizer = tokenizer_of(kind)
        tokenizer._backend.encode_special_tokens = True
        raw = tokenizer._backend.encode(text, add_special_tokens=False).ids
        assert not tokenizer.control_ids().isdisjoint(raw)


@pytest.mark.parametrize("kind", ["qwen", "llama"])
@given(text=st.text(max_size=80))
@settings(max_examples=50, deadline=None)
def test_byte_level_text_comes_back(kind: str, text: str) -> None:
    tokenizer = tokenizer_of(kind)
    assert tokenizer.decode(tokenizer.encode(text)) == text
