from __future__ import annotations

from typing import Any

import pytest

from tests.small import small_chat_model
from tunesmith.core.records import Demonstration, Message, Prompt
from tunesmith.model.generate import Generated, Sampling
from tunesmith.model.load import LanguageModel
from tunesmith.recipes import plain_answer
from tunesmith.recipes.plain_answer import PlainAsking, answer_plainly

HOW = PlainAsking(examples=2, asked="Q:", answered="A:")
ASKED = [Prompt(messages=(Message("user", f"request {n}"),)) for n in range(3)]
SOLVED = [Demonstration(messages=(Message("user", f"sum {n}"), Message("assistant", f"is {n}"))) for n in range(9)]


class Generator:
    """Stands in for the generator: keeps the prompts that it got, and continues each with a fixed text."""

    def __init__(self, model: LanguageModel, says: str, *, ended: bool = False) -> None:
        self._tokenizer, self._says = model.tokenizer, says
        self._end = [model.tokenizer.named_id("eos_token")] if ended else []
        self.prompts: list[str] = []

    def __call__(self, _network: Any, ids: list[list[int]], **how: Any) -> list[list[Generated]]:
        self.stop_ids = how["stop_ids"]
        self.sizes = [len(row) for row in ids]
        self.prompts = [self._tokenizer.decode(row) for row in ids]
        said = [*self._tokenizer.encode(self._says), *self._end]
        return [[Generated(said, [-1.0] * len(said), bool(self._end))] for _ in ids]


@pytest.fixture
def model() -> LanguageModel:
    found = small_chat_model()
    found.network.config.max_position_embeddings = 512
    return found


def asked(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch, says: str = " x", **more: Any
) -> tuple[Any, Generator]:
    generator = Generator(model, says, ended=more.pop("ended", False))
    monkeypatch.setattr(plain_answer, "generate", generator)
    options = {"examples": SOLVED, "how": HOW, "sampling": Sampling(max_tokens=8, seed=3), "prompts": ASKED} | more
    return answer_plainly(model, **options), generator


def test_each_request_has_examples_of_its_own(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    _, generator = asked(model, monkeypatch)
    assert [p.count("Q: sum") for p in generator.prompts] == [2, 2, 2]
    assert all(p.endswith(f"\n\nQ: request {n}\nA:") for n, p in enumerate(generator.prompts))
    assert len({p.split("Q: request")[0] for p in generator.prompts}) == 3
    assert generator.stop_ids == (model.tokenizer.named_id("eos_token"),)
    again = asked(model, monkeypatch)[1].prompts
    assert again == generator.prompts
    assert asked(model, monkeypatch, sampling=Sampling(max_tokens=8, seed=4))[1].prompts != again


def test_its_own_solution_is_not_shown(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = [Prompt(messages=d.prompt) for d in SOLVED]
    _, generator = asked(model, monkeypatch, prompts=prompts, how=HOW.model_copy(update={"examples": 8}))
    for n, text in enumerate(generator.prompts):
        assert text.count("Q: sum") == 9
        assert f"is {n}" not in text


def test_an_answer_ends_at_a_blank_line_and_so_do_its_tokens(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, _ = asked(model, monkeypatch, " The lamp.\nTwo.\n\nQ: more")
    assert answers.first_texts() == ["The lamp.\nTwo."] * 3
    kept = answers.generated[0][0]
    assert kept.finished
    assert model.tokenizer.decode(kept.ids).startswith(" The lamp.\nTwo.\n\n")
    assert "more" not in model.tokenizer.decode(kept.ids)
    assert len(kept.logprobs) == len(kept.ids)


@pytest.mark.parametrize("ended", [True, False])
def test_without_a_blank_line_the_model_ends_it_or_nobody(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    answers, _ = asked(model, monkeypatch, " The lamp.", ended=ended)
    assert answers.first_texts() == ["The lamp."] * 3
    assert answers.generated[0][0].finished is ended


def test_what_does_not_fit_is_asked_after_fewer_examples(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = asked(model, monkeypatch)[1].sizes[0] + 8
    for room, left in ((whole, 2), (whole - 1, 1), (1, 0)):
        model.network.config.max_position_embeddings = room
        assert asked(model, monkeypatch, prompts=ASKED[:1])[1].prompts[0].count("Q: sum") == left


def test_the_real_generator_answers_within_max_tokens(model: LanguageModel) -> None:
    answers = answer_plainly(model, ASKED, SOLVED, HOW, Sampling(max_tokens=6, seed=0))
    assert len(answers.first_texts()) == 3
    assert all(1 <= n <= 6 for n in answers.token_counts())


def test_examples_with_a_blank_line_are_not_shown(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Demonstration(messages=(Message("user", "sum of all"), Message("assistant", "first\n\nsecond")))
    _, generator = asked(model, monkeypatch, examples=[broken, SOLVED[0]])
    assert all("sum 0" in text and "sum of all" not in text for text in generator.prompts)
