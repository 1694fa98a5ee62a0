from __future__ import annotations

import pytest

from tunesmith.checks.spelling import SpellingConfig, is_slip, spelling
from tunesmith.checks.worded import Text, Worded


@pytest.mark.parametrize("word", ["teh", "becuase", "recieve", "wich", "togehter", "wrok", "thigns", "peple"])
def test_one_slip_from_a_common_word(word: str) -> None:
    assert is_slip(word)


@pytest.mark.parametrize(
    "word", ["the", "because", "xqzzv", "a", "don't", "naïve", "kubernetes", "favourite", "bitchy"]
)
def test_words_and_what_is_far_from_any(word: str) -> None:
    assert not is_slip(word)


def judged(words: str, config: SpellingConfig | None = None) -> str:
    return spelling(Worded(Text("f", "assistant", words)), config or SpellingConfig())


def test_the_share_decides() -> None:
    noisy = "the wrok of teh peple is good and that is what they have to do"
    assert judged(noisy) == "3 of 15 words (20%) look misspelt: wrok, teh, peple"
    assert judged(noisy, SpellingConfig(max_share=0.3)) == ""
    assert judged("the wrok of teh people is good and that is what they have to do") == ""


def test_names_of_genes_and_addresses_do_not_count() -> None:
    slips = "the wrok of teh peple is good and that is what they have to do"
    assert judged(slips.replace("wrok", "WROK")) == ""
    assert judged(slips.upper().replace("WROK", "wrok").upper()) != ""
    assert judged("see https://wrok.org/teh-thigns/peple and that is what they have to do") == ""


def test_short_words_alone_are_no_noise() -> None:
    assert judged("and yet brad and depp and stat and chan are the men that he has to see") == ""


def test_one_term_however_often_is_no_noise() -> None:
    assert judged("the wrok of the wrok is the wrok that is for the wrok") == ""


def test_other_languages_names_and_code_are_left_alone() -> None:
    assert judged("das ist die arbiet der leuet und sie ist nicht gut für wrok und teh") == ""
    assert judged("the men are Wrok and Peple and Thigns of this town") == ""
    assert judged("```\nthe wrok of teh peple is good\n```") == ""


def test_a_text_of_addresses_alone_has_no_words_to_judge() -> None:
    assert judged("https://wrok.org/teh-thigns/peple-becuase-recieve") == ""
