from __future__ import annotations

from typing import Any

from tunesmith.evaluate.changed_samples import LONGEST, expected, said, shared_beginning, shortened, shown_samples
from tunesmith.evaluate.comparison import Changed
from tunesmith.evaluate.sample_log import Sample
from tunesmith.evaluate.scorer import Likelihoods, Measure, Written
from tunesmith.evaluate.task import Ask, Choices, Item

F1 = Measure("f1", "F1", primary=True)
EXAMPLES = "Q: one?\nA: 1.\n\n" * 12


def asked(prompt: str, target: Any, text: str, value: float = 0.0, task: str = "squad2") -> Sample:
    item = Item("k", "k", Ask((), prompt), target)
    return Sample(task=task, item=item, response=Written((text,), (True,)), scores={"f1": [value]})


def chosen(target: Any, logprobs: tuple[float, ...], characters: tuple[int, ...]) -> Sample:
    item = Item("k", "k", Choices("context", (" short", " a long one")), target)
    return Sample(task="hellaswag", item=item, response=Likelihoods(logprobs, (False, False), characters))


def test_of_choices_the_likeliest_is_said_as_the_measure_counts_it() -> None:
    sample = chosen({"answer": 1}, (-6.0, -8.0), (6, 11))
    assert said(sample, Measure("accuracy", "accuracy")) == " short"
    assert said(sample, Measure("accuracy_normalised", "per character")) == " a long one"
    assert expected(sample) == "a long one"
    assert expected(chosen({"best": 0}, (0.0, 0.0), (1, 1))) == "short"


def test_what_was_expected_is_in_words_or_empty() -> None:
    assert expected(asked("p", {"answers": []}, "x")) == "(there is no answer)"
    assert expected(asked("p", {"answers": ["a", "b", "a"]}, "x")) == "a · b"
    assert expected(asked("p", {"true": ["a", "b", "c", "d", "e"]}, "x")) == "a · b · c (and 2 more)"
    assert expected(asked("p", {"answer": 42}, "x")) == "42"
    assert expected(asked("p", [{"id": "punctuation:no_comma"}], "x")) == ""


def test_examples_before_every_prompt_are_shown_once_as_a_count() -> None:
    prompts = [f"{EXAMPLES}Q: two?\nA:", f"{EXAMPLES}Q: twelve?\nA:"]
    assert shared_beginning(prompts) == len(EXAMPLES)
    assert shared_beginning(prompts[:1]) == 0, "one prompt shares nothing with others"
    assert shared_beginning(["Q: two?", "Q: twelve?"]) == 0
    both = [
        Changed("squad2", F1, 0.5, asked(p, {"answers": ["x"]}, "no"), asked(p, {"answers": ["x"]}, "x", 0.5))
        for p in prompts
    ]
    first, second = shown_samples(both)
    assert (first.suite, first.left_out, first.prompt) == ("SQuAD 2.0", len(EXAMPLES), "Q: two?\nA:")
    assert second.prompt == "Q: twelve?\nA:"
    assert [answer.value for answer in first.answers] == ["0 %", "50 %"]


def test_the_middle_of_a_long_text_is_left_out_and_counted() -> None:
    text = "a" * LONGEST + "b" * 100
    assert shortened(text[:LONGEST]) == text[:LONGEST]
    assert "[… 100 characters …]" in shortened(text)
    assert shortened(text).endswith("b" * 100)
