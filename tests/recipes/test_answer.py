from __future__ import annotations

import math

import pytest

from tests.small import small_chat_model
from tunesmith.core.records import Message, Prompt
from tunesmith.model.generate import Generated, Sampling
from tunesmith.recipes.answer import Answers, answer


def test_entropy_is_the_mean_surprise_of_the_first_completions() -> None:
    rows = [[Generated([5, 6], [-1.0, -2.0], True), Generated([7], [-9.0], True)], [Generated([8], [-3.0], False)]]
    assert Answers([["a", "b"], ["c"]], rows).entropy() == 2.0
    assert Answers([], []).entropy() is None


@pytest.mark.parametrize("temperature", [0.5, 50.0])
def test_entropy_is_of_the_distribution_that_was_sampled(temperature: float) -> None:
    """At a very high temperature every token is as likely as any: ln V nats."""
    model = small_chat_model()
    asked = [Prompt(messages=(Message(role="user", content="x"),))] * 8
    sampling = Sampling(max_tokens=16, temperature=temperature, seed=0)
    found = answer(model, asked, model.chat_template(), sampling).entropy()
    assert found is not None
    most = math.log(model.network.config.vocab_size)
    assert (abs(found - most) < 0.01) == (temperature > 1)
