from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.records import Comparison, Demonstration, Document, Message, Prompt
from tunesmith.make.distill.ask import seeded
from tunesmith.make.distill.distill import Choice, distill, prompts_of, questions
from tunesmith.make.distill.filters import Filters
from tunesmith.make.distill.log import Answer, answer_key
from tunesmith.make.distill.scorer import Agreement
from tunesmith.make.teacher import Decoding, Reply

from ..rows import demo

HOW = Decoding(seed=1)


class Silent:
    name = "silent at http://x"

    def reply(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        raise AssertionError


class Longest:
    name = "longest"

    def score(self, prompt: Sequence[Message], completions: Sequence[str]) -> list[float]:
        return [float(len(text)) for text in completions]


def known(prompt: Prompt, *texts: str) -> dict[str, Answer]:
    keys = [answer_key(Silent.name, seeded(HOW, k), prompt.messages, k) for k in range(len(texts))]
    return {key: Answer(key, text, "stop", 3, "2020") for key, text in zip(keys, texts, strict=True) if text != "-"}


def test_every_prompt_once_and_first_answers_first() -> None:
    ask = Prompt(messages=(Message("user", "Hi"),))
    pair = Comparison(messages=(Message("user", "Bye"),), chosen="a", rejected="b")
    found = prompts_of([ask, demo("Hi", "old"), pair, Document(text="x")])
    assert found == [ask, pair]
    assert [(q.messages[0].content, q.number) for q in questions(found, 2)] == [
        ("Hi", 0),
        ("Bye", 0),
        ("Hi", 1),
        ("Bye", 1),
    ]


def test_the_best_that_is_left_and_where_it_comes_from() -> None:
    ask = Prompt(messages=(Message("user", "Hi"),), meta={"user": "u", "task": "chat", "labeler": "ann"})
    answers = known(ask, "Short.", "I cannot help with that, sorry about it all.", " A longer one. ", "-")
    done = distill([ask], answers, Silent(), HOW, Choice(completions=4, filters=Filters(), scorer=Longest()))
    [record] = done.records
    assert isinstance(record, Demonstration) and record.completion == "A longer one."
    assert done.left_out == {"refusal": 1, "not answered": 1}
    origin = record.meta["distilled"]
    assert origin["teacher"] == Silent.name and origin["decoding"]["seed"] == 1 and origin["time"] == "2020"
    assert (origin["scorer"], origin["of"], origin["score"]) == ("longest", 2, 13.0)
    assert record.meta["user"] == "u" and record.meta["split_keys"] == ["user:u"] and "labeler" not in record.meta


def test_a_prompt_without_an_answer_is_named() -> None:
    ask = Prompt(messages=(Message("user", "Hi"),))
    done = distill([ask], known(ask, "", "-"), Silent(), HOW, Choice(completions=2, filters=Filters()))
    assert not done.records and done.unanswered[0].reasons == ["empty", "not answered"]


def test_agreement_takes_the_answer_in_the_middle() -> None:
    texts = ["it is a red fox", "it is a red fox today", "bananas"]
    scores = Agreement().score((), texts)
    # ROUGE-L of the first two: 2*5/11; with the third: 0.
    assert scores == [5 / 11, 5 / 11, 0.0] and Agreement().score((), ["x"]) == [0.0]
