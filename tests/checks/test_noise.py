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
    "Hello {{first_name}}!": "noise.placeholder",
    "Into the sea. Subscribe to our newsletter!": "noise.boilerplate",
    "Home, contact us, privacy policy, terms of use.": "noise.boilerplate",
    PROMPT: "noise.copies_prompt",
    PROMPT + " Into the sea.": "noise.copies_prompt",
    "Das Wasser fließt in den See, und der See ist nicht weit von der Stadt, die wir kennen.": "noise.language",
    "Вода течёт в озеро за городом.": "noise.language",
    "It goes on and on and on and on and on and on.": "noise.repetition",
    "\n".join(["It goes into the sea."] * 6): "noise.repetition",
    "Teh watr goes thruogh the vally and into the seaa, whre it stays for a lnog tiem.": "noise.spelling",
    "The bug is in the pump.": "noise.terms",
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
