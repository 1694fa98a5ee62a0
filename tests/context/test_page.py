from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tunesmith.context.page import PASSAGE_CHARACTERS, Block, Page, one_line, passages_of, sentence_ends


def test_short_blocks_of_a_heading_stand_together_and_headings_divide() -> None:
    page = Page("p", "P", (Block("A", "one."), Block("A", "two."), Block("B", "three.")))
    assert [(p.heading, p.text) for p in passages_of(page)] == [("A", "one.\n\ntwo."), ("B", "three.")]
    assert page.text == "A\n\none.\n\ntwo.\n\nB\n\nthree."


def test_a_long_block_is_cut_between_sentences() -> None:
    found = passages_of(Page("p", "P", (Block("", "This is a sentence of some length. " * 100),)))
    assert len(found) > 4 and all(len(p.text) <= PASSAGE_CHARACTERS and p.text.endswith(".") for p in found)
    assert len({p.id for p in found}) == len(found)


@given(st.lists(st.tuples(st.sampled_from(["", "A", "B"]), st.text(max_size=3000)), max_size=4))
def test_no_character_of_a_word_is_lost(blocks: list[tuple[str, str]]) -> None:
    page = Page("p", "P", tuple(Block(*block) for block in blocks))
    joined = "".join("".join(p.text for p in passages_of(page)).split())
    assert joined == "".join("".join(text for _, text in blocks).split())


def test_sentence_ends() -> None:
    text = 'He said "No." Then left! 今日は。雨。 End'
    assert [text[:end] for end in sentence_ends(text)][:2] == ['He said "No.', 'He said "No." Then left!']
    assert sentence_ends(text)[-1] == len(text) and sentence_ends("") == [] == sentence_ends("  ")


def test_one_line() -> None:
    assert one_line("a\nb\u202e c\x00d") == "a b c d" and len(one_line("x" * 500)) == 80
