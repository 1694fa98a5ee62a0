from __future__ import annotations

import pytest

from tunesmith.checks.toxicity import ToxicityCheck, ToxicityConfig, toxicity
from tunesmith.checks.worded import Text, Worded

from .rows import found, talk


def score(words: str) -> float:
    return toxicity(Worded(Text("f", "assistant", words))).value


@pytest.mark.parametrize(
    "words",
    [
        "You are a stupid idiot.",
        "go kill yourself",
        "what an a$$hole",
        "f*ck off",
        "I will kill you",
        "shut up, moron",
        "Oh, just shut up!",
        "SHUT THE HELL UP",
        "They said: shut up.",
        "They deserve to die.",
        "Go to hell!",
    ],
)
def test_open_abuse_is_found(words: str) -> None:
    assert score(words) >= 0.5


@pytest.mark.parametrize(
    "words",
    [
        "That was a stupid mistake of mine.",
        "How do I kill a process?",
        "The flame retardant is new.",
        "Scunthorpe, assess, cocktail",
        "Dick Van Dyke sang.",
        "beef jerky",
        "It costs $5 and 100 m@x.",
        "The plant will die without water.",
        "Mary was to shut up the house.",
        "So Kevin shut up.",
        "You will not go to hell for that.",
        "She was all day shut up in her room.",
        "What made you so pig-headed?",
        "I'll die before I ever bend my knees.",
        "I'll be hanged if I ever come back.",
        "I will shoot for the golden arrow.",
        "",
    ],
)
def test_what_only_looks_toxic_is_fine(words: str) -> None:
    assert score(words) < 0.5


def test_the_score_is_one_minus_the_product() -> None:
    # idiot 0.4, stupid 0.3, apart from each other: 1 - 0.6 * 0.7
    assert score("An idiot said something stupid.") == pytest.approx(0.58)


def test_a_rude_user_is_a_note_and_a_rude_answer_a_warning() -> None:
    check = ToxicityCheck(ToxicityConfig())
    findings = found(check, talk("You are a stupid idiot.", "I am sorry."), talk("Hello?", "You are a stupid idiot."))
    assert [(f.line, f.severity, f.check) for f in findings] == [
        (1, "note", "toxicity.insult"),
        (2, "warning", "toxicity.insult"),
    ]


def test_a_distinction_is_no_obscenity() -> None:
    assert score("He graduated magna cum laude.") == 0 < score("He came, cum and all.")
    assert score("They graduated summa cum laudae.") == 0


def test_length_alone_adds_nothing_up() -> None:
    quiet = " ".join(["The boat went down the river to the mill."] * 20)
    mild = ("An idiot laughed.", "What a stupid plan.", "The dumb beast slept.")
    apart = f" {quiet} ".join(mild)
    assert score(apart) == pytest.approx(0.4)
    assert score(" ".join(mild)) == pytest.approx(1 - 0.6 * 0.7 * 0.75)
    # Together they count wherever they stand in a long text.
    for before in range(0, 200, 10):
        assert score("word " * before + " ".join(mild) + " word" * 150) == pytest.approx(1 - 0.6 * 0.7 * 0.75)
