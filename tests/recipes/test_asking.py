from __future__ import annotations

from typing import Any

import pytest

from tests.small import small_chat_model
from tunesmith.core.records import Document, Message, Prompt
from tunesmith.recipes import asking
from tunesmith.recipes.answer import Answers
from tunesmith.recipes.asking import ALL_BASES, MeasureConfig, Plainly, answers_of

ASKED = [Prompt(messages=(Message("user", "Where is my order?"),))]


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How models were asked and opened, in order; the folder `base` holds a model without a template."""
    seen: list[str] = []
    base = small_chat_model()
    base.template = None
    models = {"base": base, "chat": small_chat_model()}

    def opened(folder: str) -> tuple[Any, Any]:
        seen.append(f"open {folder}")
        return models[folder], folder

    def name_of(model: Any) -> str:
        return next(name for name, one in models.items() if one is model)

    def plainly(model: Any, *_: Any) -> Answers:
        seen.append(f"{name_of(model)} plainly")
        return Answers([], [])

    def in_template(model: Any, *_: Any) -> Answers:
        seen.append(f"{name_of(model)} in a template")
        return Answers([], [])

    monkeypatch.setattr(asking, "open_model", opened)
    monkeypatch.setattr(asking, "answer_plainly", plainly)
    monkeypatch.setattr(asking, "answer", in_template)
    return seen


def test_a_base_is_asked_plainly(ways: list[str]) -> None:
    answers_of({"a": "base", "b": "chat"}, ASKED, [], MeasureConfig(), ALL_BASES)
    assert ways == ["open base", "open chat", "base plainly", "chat in a template"]


def test_a_base_alone_needs_no_chat_model(ways: list[str]) -> None:
    answers_of({"a": "base"}, ASKED, [], MeasureConfig(), ALL_BASES)
    assert ways[-1] == "base plainly"


def test_one_model_can_be_asked_in_both_ways_and_is_opened_and_measured_once(
    ways: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = iter([3.0, 5.0])
    monkeypatch.setattr(asking, "perplexity", lambda *_, **__: next(measured))
    models = {"base": "base", "base_prompted": "base", "sft": "chat"}
    _, losses = answers_of(models, ASKED, [Document(text="x")], MeasureConfig(), Plainly(names=["base_prompted"]))
    assert ways == ["open base", "open chat", "base in a template", "base plainly", "chat in a template"]
    assert losses == {"base": 3.0, "base_prompted": 3.0, "sft": 5.0}
