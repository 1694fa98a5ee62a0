from __future__ import annotations

import pytest

from tunesmith.checks.language import LanguageConfig, language, other_language
from tunesmith.checks.worded import Text, Worded

CONFIG = LanguageConfig()
TEXTS = {
    "English": "What is the name of the river that runs through this town and into the sea?",
    "German": "Wie heißt der Fluss, der durch die Stadt fließt und nicht weit von hier ist?",
    "French": "Quel est le nom de la rivière qui coule dans cette ville et pour qui est elle?",
    "Spanish": "El nombre del río que pasa por la ciudad es muy conocido, pero no se usa más.",
    "Italian": "Il nome della città è conosciuto da tutti gli uomini che non sono di qui.",
    "Portuguese": "O nome do rio que passa em uma cidade não é conhecido por você, mas os homens sabem.",
    "Dutch": "De naam van het water is niet bekend, en dat is ook niet erg voor de mensen van hier.",
    "Cyrillic": "Река течёт через город.",
    "Chinese": "这条河流过城市。",
    "Japanese": "この川は町を流れています。",
    "Korean": "강은 도시를 흐른다.",
}


def text(words: str) -> Worded:
    return Worded(Text("f", "user", words))


@pytest.mark.parametrize(("name", "words"), TEXTS.items())
def test_a_clear_text_has_its_language(name: str, words: str) -> None:
    assert language(text(words), CONFIG) == name


@pytest.mark.parametrize(
    "words",
    [
        "42",
        "Paris, Rome, Berlin",
        "ok",
        "x = y + 1",
        "Madrid Barcelona Sevilla Granada Toledo Cadiz Leon Soria",
        "Deck halls, fa la la la la la la la, boughs, holly",
        "enchiladas de pollo, enchiladas de queso, enchiladas de mole, enchiladas de papas",
    ],
)
def test_what_is_not_clear_has_none(words: str) -> None:
    assert language(text(words), CONFIG) == ""


def test_another_language_is_found_unless_it_is_wanted() -> None:
    answer = text(TEXTS["German"])
    assert "German" in other_language([text(TEXTS["English"])], answer, CONFIG)
    assert other_language([text("Translate this: " + TEXTS["English"])], answer, CONFIG) == ""
    assert other_language([text("Answer in German. " + TEXTS["English"])], answer, CONFIG) == ""
    assert other_language([text(TEXTS["German"])], answer, CONFIG) == ""
    assert other_language([text("42?")], answer, CONFIG) == ""
    assert other_language([], answer, CONFIG) == ""


@pytest.mark.parametrize(
    "prompt",
    [
        "baking soda, ketchup, jell o, water, soda, tomato sauce, pudding",
        "Do women like male strippers as much as men like female ones?",
        "Analyze this song. Deck halls, boughs, holly, fa la la la la, la la la la",
        "What does this mean\n\n超次元の究極バトル!!",
    ],
)
def test_stray_words_make_no_other_language(prompt: str) -> None:
    assert other_language([text(prompt)], text(TEXTS["English"]), CONFIG) == ""


def test_one_word_of_english_is_enough_for_a_prompt() -> None:
    prompt = "Name three large rivers, towns, mountains, lakes and old castles"
    assert "prompt in English" in other_language([text(prompt)], text(TEXTS["German"]), CONFIG)
