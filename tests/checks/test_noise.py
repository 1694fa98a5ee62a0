from __future__ import annotations

import pytest

from tunesmith.checks.noise import NoiseCheck, NoiseConfig

from .rows import found, kinds, talk

CHECK = NoiseCheck(NoiseConfig(glossary={"error": ("bug", "glitch")}))
PROMPT = "Where does the water of the river go when it has passed the mill and the town?"

NOISY = {
    "As an AI language model, I have no opinion.": "noise.refusal",
    "I’m sorry, but I can’t help with that.": "noise.refusal",
    "Dear [Your Name], thank you.": "noise.placeholder",
    "Lorem ipsum dolor sit amet.": "noise.placeholder",
    "TODO: write this": "noise.placeholder",
    "The answer is TBD.": "noise.placeholder",
    "Into the sea.\nTODO\nAnd back.": "noise.placeholder",
    "Dear [enter name here]": "noise.placeholder",
    "Dear [insert name, title]": "noise.placeholder",
    "Born on [your birthday]": "noise.placeholder",
    "Hello {{first_name}}!": "noise.placeholder",
    "Into the sea. Subscribe to our newsletter!": "noise.boilerplate",
    "Home, contact us, privacy policy, terms of use.": "noise.boilerplate",
    "Into the sea. You might also like: ten more rivers": "noise.boilerplate",
    "Into the sea. Was this page helpful? Yes No": "noise.boilerplate",
    "Into the sea.\nYou may also like\nTen more rivers": "noise.boilerplate",
    PROMPT: "noise.copies_prompt",
    PROMPT + " Into the sea.": "noise.copies_prompt",
    "Das Wasser fließt in den See, und der See ist nicht weit von der Stadt, die wir kennen.": "noise.language",
    "Вода течёт в озеро за городом.": "noise.language",
    "It goes on and on and on and on and on and on.": "noise.repetition",
    "\n".join(["It goes into the sea."] * 6): "noise.repetition",
    "Teh watr goes thruogh the vally and into the seaa, whre it stays for a lnog tiem.": "noise.spelling",
    "The bug is in the pump.": "noise.terms",
    "Bugs are in the pump.": "noise.terms",
    "It says: BUG in the pump.": "noise.terms",
}
FINE = (
    "Into the sea, as I said.",
    "I'm sorry, but I cannot find your order in the list.",
    "As an aid to memory, the river is called the Long.",
    "Put it on the to-do list [1], see [the map](map.html) and a[0].",
    "```\n# TODO: later\nname = '[Your Name]'\n```",
    "Our privacy policy says where the water goes.",
    "The river goes to the sea, and where does the sea go?",
    "He said “je ne sais pas” and went.",
    "Row, row, row your boat.",
    "2 4 6 8 10 12 14 16",
    "Kwame and Nguyen met Szczepan at Llanfair in Ynys on Rhyd with Gwen.",
    "The ladybug flies.",
    "Ask at The Bug by the river.",
    "[Enter ROMEO and JULIET]",
    "Mark it with TODO, then go on; markers (TODO, FIXME) stay in the town's TODO list.",
    "[Your river is so long, it has two ends.]",
    "The step reads ${{ secrets.RIVER }} from the store.",
    "If you like the mill, you might also like the town.",
    "The sea \n. . . . . . . . . . . . . . . . 12",
    "It ends here.\n* * * * * * * * * * * *\nIt goes on.",
    "```\n" + "".join(f"SELECT {n}\nFROM rivers\nWHERE wide\n" for n in ("one", "two", "six", "ten")) + "```",
    "They ask each reader: was this page helpful? The answers went to the town.",
    "Read our privacy policy on the water. The mill stands by the river and grinds corn for three towns; below it the "
    "valley opens, the road crosses an old bridge, and boats wait for the tide. At the end of the page, log in or "
    "click here.",
    "He spoke of lorem ipsum, and of the placeholder text in each field.",
    "",
)


@pytest.mark.parametrize(("answer", "kind"), NOISY.items())
def test_noise_is_found(answer: str, kind: str) -> None:
    assert kinds(found(CHECK, talk(PROMPT, answer), talk(PROMPT, "Into the sea."))) == [kind]


@pytest.mark.parametrize("answer", FINE)
def test_what_only_looks_like_noise_is_fine(answer: str) -> None:
    assert found(CHECK, talk(PROMPT, answer)) == []


def test_prompts_may_be_noisy_as_people_are() -> None:
    noisy = "Teh watr goes thruogh the vally and into the seaa, whre it stays for a lnog tiem. As an AI language model?"
    assert found(CHECK, talk(noisy, "Into the sea.")) == []


@pytest.mark.parametrize(
    "ask",
    [
        "Use placeholders such as [name].",
        "Write one placeholder, such as [name].",
        "Put what is missing in square brackets: [name]",
    ],
)
def test_a_prompt_may_ask_for_placeholders(ask: str) -> None:
    assert found(CHECK, talk(ask, "Into the sea.")) == []
    assert kinds(found(CHECK, talk(ask, "Dear [name],"))) == ["noise.placeholder"]
    assert kinds(found(CHECK, talk("Write to [name].", "Into the sea."))) == ["noise.placeholder"]


def test_a_glossary_that_spells_a_name_means_the_name() -> None:
    check = NoiseCheck(NoiseConfig(glossary={"Firm": ("Punter Ltd",)}))
    assert kinds(found(check, talk(PROMPT, "Ask at Punter Ltd by the river."))) == ["noise.terms"]


def test_other_figures_make_no_copy() -> None:
    assert found(CHECK, talk("Hello, my own name is user 1.", "Hello, my own name is user 2.")) == []
    assert kinds(found(CHECK, talk("Hello, my own name is user 1.", "Hello, my own name is user 1."))) == [
        "noise.copies_prompt"
    ]
