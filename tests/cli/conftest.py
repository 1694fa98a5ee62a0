from __future__ import annotations

import pytest

from tunesmith.core.records import Completion, Ranking
from tunesmith.desk import demonstrations

from .shell import Shell


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture
def three_answers() -> list[Ranking]:
    """Six desk prompts, each with its right answer, a curt one and a rude one, not ranked yet."""
    return [
        Ranking(
            messages=one.prompt,
            completions=(
                Completion(id="right", text=one.completion),
                Completion(id="curt", text="No."),
                Completion(id="rude", text="What a stupid question."),
            ),
            rankings=(),
            meta=one.meta,
        )
        for one in demonstrations(6, seed=3, split="train")
    ]
