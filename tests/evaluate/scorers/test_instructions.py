from __future__ import annotations

from itertools import pairwise

import pytest

from tunesmith.evaluate.instructions.known import VERIFIERS
from tunesmith.evaluate.scorer import Written
from tunesmith.evaluate.scorers.instructions import Instructions, follows, follows_loosely, variants

ENGLISH = "we would like to thank you for your kind letter and hope to see you again soon."
# Each instruction: arguments, a response that follows it, one that does not.
EXAMPLES = {
    "change_case:capital_word_frequency": (
        {"capital_relation": "less than", "capital_frequency": 2}, "One BIG word", "TWO BIG words"
    ),
    "change_case:english_capital": ({}, ENGLISH.upper(), ENGLISH),
    "change_case:english_lowercase": ({}, ENGLISH, ENGLISH.capitalize()),
    "combination:repeat_prompt": ({"prompt_to_repeat": "Say hello. "}, "say hello. Hello!", "Hello! Say hello."),
    "combination:two_responses": ({}, "one******two", "one******one"),
    "detectable_content:number_placeholders": ({"num_placeholders": 2}, "[name], [date]", "[name] only"),
    "detectable_content:postscript": ({"postscript_marker": "P.P.S"}, "Bye.\nP. P. S. one more", "Bye.\nP.S. one more"),
    "detectable_format:constrained_response": ({}, "My answer is maybe.", "My answer is perhaps."),
    "detectable_format:json_format": ({}, '```json\n{"a": [1]}\n```', "{'a': 1}"),
    "detectable_format:multiple_sections": (
        {"section_spliter": "Day", "num_sections": 2}, "Day 1\nrest\nDay 2\nwork", "Day 1\nrest\nDay two"
    ),
    "detectable_format:number_bullet_lists": ({"num_bullets": 2}, "* a\n- b", "* a\n- b\n* c"),
    "detectable_format:number_highlighted_sections": ({"num_highlights": 2}, "*a* and **b**", "*a* and * *"),
    "detectable_format:title": ({}, "<<A title>>\ntext", "<< >>\ntext"),
    "keywords:existence": ({"keywords": ["Mom", "mother"]}, "mom and her mother", "only mom"),
    "keywords:forbidden_words": ({"forbidden_words": ["rock"]}, "rocket science", "We will Rock you"),
    "keywords:frequency": (
        {"relation": "at least", "keyword": "war", "frequency": 2}, "War and war", "War and peace"
    ),
    "keywords:letter_frequency": (
        {"let_relation": "less than", "letter": "T", "let_frequency": 2}, "a tree", "The tree"
    ),
    "language:response_language": ({"language": "de"}, "Das ist ein ganz gewöhnlicher deutscher Satz.", ENGLISH),
    "length_constraints:nth_paragraph_first_word": (
        {"first_word": "Elm", "num_paragraphs": 2, "nth_paragraph": 2}, "Trees.\n\nElm, ash and oak.", "Trees.\n\nAsh."
    ),
    "length_constraints:number_paragraphs": ({"num_paragraphs": 2}, "one\n***\ntwo", "one\n***\n***\ntwo"),
    "length_constraints:number_sentences": (
        {"relation": "at least", "num_sentences": 2}, "Dr. Who came. He left.", "Dr. Who came to no. 5 today."
    ),
    "length_constraints:number_words": ({"relation": "less than", "num_words": 3}, "two words", "now three words"),
    "punctuation:no_comma": ({}, "no comma here.", "well, one"),
    "startend:end_checker": ({"end_phrase": "Peace!"}, 'It ends. "peace!"', "Peace! It goes on."),
    "startend:quotation": ({}, ' "all of it" ', '"only" this'),
}  # fmt: skip


def test_every_instruction_has_an_example_t_ev_4():
    """T-EV-4"""
    assert EXAMPLES.keys() == VERIFIERS.keys()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_pass_and_fail_t_ev_4(name):
    """T-EV-4: each checker has a response that passes and one that fails; a blank one fails all."""
    if name.startswith(("language", "change_case:english")):
        pytest.importorskip("langdetect")
    wanted, good, bad = EXAMPLES[name]
    assert follows(good, name, wanted)
    assert not follows(bad, name, wanted)
    assert not follows(" \n", name, wanted)
    assert not follows_loosely(" \n", name, wanted)
    assert follows_loosely(good, name, wanted)


def test_eight_variants_t_ev_4():
    """T-EV-4: as is, without the first, the last and both lines, and the four without stars."""
    assert variants("*a*\nb\n*c*") == ["*a*\nb\n*c*", "b\n*c*", "*a*\nb", "b", "a\nb\nc", "b\nc", "a\nb", "b"]


def test_loose_forgives_an_introduction_t_ev_4():
    """T-EV-4"""
    text = 'Sure, here you are:\n"A quotation."'
    assert not follows(text, "startend:quotation", {})
    assert follows_loosely(text, "startend:quotation", {})


def test_zero_is_a_number_t_ev_4():
    """T-EV-4: "less than 1" and "at least 0" are not replaced by a default."""
    zero = {"relation": "at least", "keyword": "x", "frequency": 0}
    assert follows("nothing", "keywords:frequency", zero)
    assert not follows("nothing", "keywords:frequency", {**zero, "relation": "less than"})


def test_levels_are_pooled_differently():
    target = [{"id": "punctuation:no_comma", "kwargs": {}}, {"id": "startend:quotation", "kwargs": {}}]
    values = Instructions().score(target, Written(("<think>a, b</think>no comma",), (True,)))
    assert values["prompt_strict"] == [0.0]
    assert values["instruction_strict"] == [1.0, 0.0]
    levels = [values[name] for name in ("prompt_strict", "prompt_loose")]
    assert all(a <= b for a, b in pairwise(levels))
