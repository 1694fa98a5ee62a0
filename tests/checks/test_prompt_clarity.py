from __future__ import annotations

import pytest

from tunesmith.checks.prompt_clarity import PromptClarityCheck, PromptClarityConfig
from tunesmith.core.records import Demonstration, Message

from .rows import found, kinds, talk

CHECK = PromptClarityCheck(PromptClarityConfig(max_words=50, max_questions=3))
UNCLEAR = {
    "Fix this.": "vague",
    "please make it better": "vague",
    "???": "vague",
    "Summarize the following text:": "no_material",
    "Classify the review below.": "no_material",
    "See the attached file and say what it is.": "no_material",
    "Be short. Summarize the following text:": "no_material",
    "word " * 51: "overlong",
    "Who? When? Where? Why?": "many_questions",
}
FINE = (
    "Fix this sentence: he go home",
    "Summarize the following text:\nThe river is long.",
    "What is below the town?",
    "Help me write a letter to the council.",
    "Explain photosynthesis.",
    "Hi",
    "How do I attach a file?",
    "Who said every radish seemed to have a mortgage attached to it?",
    "Read: the pictures are attached at both ends of the disc. What is it called?",
    "After the war the United States gained all of the following states except this one.",
    "The towns were disincorporated because of the following.",
    "Here is some data: the Giraffe, a pub, Chinese food, riverside. Write a sentence that includes the following data",
)


@pytest.mark.parametrize(("prompt", "kind"), UNCLEAR.items())
def test_unclear_prompts_are_found(prompt: str, kind: str) -> None:
    assert kinds(found(CHECK, talk(prompt, "Fine."), talk("Who was first?", "Ann."))) == [f"prompt_clarity.{kind}"]


@pytest.mark.parametrize("prompt", FINE)
def test_short_is_not_unclear(prompt: str) -> None:
    assert found(CHECK, talk(prompt, "Fine.")) == []


def test_a_later_turn_may_refer_to_an_earlier_one() -> None:
    turns = (Message("user", "Write a poem."), Message("assistant", "Rose."), Message("user", "make it better"))
    assert found(CHECK, Demonstration(messages=(*turns, Message("assistant", "Red rose.")))) == []


def test_a_long_prompt_may_speak_of_what_is_attached() -> None:
    check = PromptClarityCheck(PromptClarityConfig())
    told = "Boxing Day is on 26 December, although the attached bank holiday may take place later. "
    assert found(check, talk(told + "It began in the United Kingdom and spread. " * 10, "Fine.")) == []
    assert kinds(found(check, talk("See the attached documents.", "Fine."))) == ["prompt_clarity.no_material"]


def test_questions_in_the_material_are_not_asked() -> None:
    check = PromptClarityCheck(PromptClarityConfig(max_questions=3))
    story = "The man at the mill went on with his work all day. Did he? Nobody in the town knew of it before the war. "
    assert found(check, talk("Say who spoke. " + story * 4, "Fine.")) == []
    assert kinds(found(check, talk("Did he? Why? When? For whom did he work at the mill?", "Fine."))) == [
        "prompt_clarity.many_questions"
    ]
