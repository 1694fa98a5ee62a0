from __future__ import annotations

import pytest

from tunesmith.core.errors import DataError
from tunesmith.serve.chat.pairs import draw, in_shown_order
from tunesmith.store.conversation.replies import Reply


def reply(name: str, model: str, pair: str | None = None) -> Reply:
    return Reply(id=name, messages=(), completion="", model=model, time=0.0, pair_id=pair)


def test_either_model_comes_first_about_as_often() -> None:
    """1,000 fair draws lie between 437 and 563 but for one time in 16,000."""
    first = sum(draw(["sft", "ppo"]).models[0] == "sft" for _ in range(1000))
    assert 437 <= first <= 563
    assert len({draw(["sft", "ppo"]).id for _ in range(100)}) == 100


def test_a_reload_shows_the_order_that_was_drawn() -> None:
    for _ in range(20):
        pair = draw(["sft", "ppo"])
        two = [reply("x", "sft", pair.id), reply("y", "ppo", pair.id)]
        alone, after = reply("a", "sft"), reply("z", "ppo")
        for stored in (two, two[::-1]):
            shown = in_shown_order([alone, stored[0], after, stored[1]])
            assert [one.model for one in shown if one.pair_id] == pair.models
            assert [one.id for one in shown if not one.pair_id] == ["a", "z"]


@pytest.mark.parametrize("models", [["sft"], ["sft", "sft"], ["a", "b", "c"]])
def test_a_pair_is_two_different_models(models: list[str]) -> None:
    with pytest.raises(DataError):
        draw(models)
