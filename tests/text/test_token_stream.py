from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.small import chat_tokenizer
from tunesmith.text.token_stream import TokenStream

TOKENIZER = chat_tokenizer()


def pieces_of(ids: list[int]) -> list[str]:
    stream = TokenStream(TOKENIZER)
    return [*(stream.add([token]) for token in ids), stream.flush()]


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_pieces_join_to_the_text_and_split_no_character(text: str) -> None:
    pieces = pieces_of(TOKENIZER.encode(text))
    assert "".join(pieces) == TOKENIZER.decode(TOKENIZER.encode(text))
    if "\ufffd" not in text:
        assert not any("\ufffd" in piece for piece in pieces)


@given(st.lists(st.integers(0, TOKENIZER.vocab_size - 1), max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_ids_at_all_join_to_their_text(ids: list[int]) -> None:
    assert "".join(pieces_of(ids)) == TOKENIZER.decode(ids)


def test_an_emoji_comes_whole_and_at_once() -> None:
    pieces = pieces_of(TOKENIZER.encode("ok 👍🏽!"))
    assert [p for p in pieces if any(ord(c) > 127 for c in p)] == ["👍", "🏽"]
