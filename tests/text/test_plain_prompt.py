from __future__ import annotations

from tunesmith.core.records import Demonstration, Message
from tunesmith.text.plain_prompt import Labels, can_be_shown, plain_prompt

LABELS = Labels("Question:", "Answer:")


def told(*texts: str, system: str = "") -> tuple[Message, ...]:
    first = (Message("system", system),) if system else ()
    return (*first, *(Message(("user", "assistant")[i % 2], text) for i, text in enumerate(texts)))


def test_examples_stand_before_the_request_and_the_last_word_waits_for_the_answer() -> None:
    example = Demonstration(messages=told("How long is the warranty?", " 12 months. "))
    assert plain_prompt(told("Where is my order?\n"), [example], LABELS) == (
        "Question: How long is the warranty?\nAnswer: 12 months.\n\nQuestion: Where is my order?\nAnswer:"
    )


def test_turns_keep_their_words_and_a_system_message_has_none() -> None:
    asked = told("Hello", "Hi. What is it?", "A lamp.", system="Be brief.")
    assert plain_prompt(asked, [], Labels("Job:", "Done:")) == (
        "Be brief.\nJob: Hello\nDone: Hi. What is it?\nJob: A lamp.\nDone:"
    )


def test_an_example_with_a_blank_line_would_end_there() -> None:
    assert can_be_shown(Demonstration(messages=told("a\nb", "c\n\n")))
    assert not can_be_shown(Demonstration(messages=told("a", "b\n\nc")))
    assert not can_be_shown(Demonstration(messages=told("a\n\nb", "c")))
