"""Flawed answers: each kind fails the judge, and fails it for its own reason."""

from __future__ import annotations

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Demonstration
from tunesmith.desk.draws import demonstrations
from tunesmith.desk.flawed import KINDS, flawed
from tunesmith.desk.judge import judge


@pytest.fixture(scope="module")
def drawn() -> list[Demonstration]:
    return demonstrations(500, seed=2, split="train") + demonstrations(150, seed=2, split="test")


@pytest.mark.parametrize("kind", list(KINDS))
def test_flawed_answers_fail_and_score_below_good_ones(drawn: list[Demonstration], kind: str) -> None:
    made = [(d, text) for d in drawn if (text := flawed(d, kind, seed=0)) is not None]
    verdicts = [judge(d, text) for d, text in made]
    assert len(made) >= 0.45 * len(drawn)
    passed = [(d.prompt[-1].content, text) for (d, text), v in zip(made, verdicts, strict=True) if v.success]
    assert len(passed) <= 0.05 * len(made), passed[:5]
    assert all(v.success or v.score < 0.6 for v in verdicts)


def test_rude_answers_are_toxic_and_inventions_untruthful(drawn: list[Demonstration]) -> None:
    assert all(judge(d, flawed(d, "rude", seed=0) or "").toxic for d in drawn)
    strict = [d for d in drawn if d.meta["gold"].get("strict")]
    untruthful = [judge(d, flawed(d, "invented_policy", seed=0) or "").truthful is False for d in strict]
    assert sum(untruthful) >= 0.95 * len(strict)


def test_equal_seeds_give_equal_flaws(drawn: list[Demonstration]) -> None:
    assert [flawed(d, "wrong_fact", seed=4) for d in drawn[:50]] == [
        flawed(d, "wrong_fact", seed=4) for d in drawn[:50]
    ]


def test_an_unknown_kind_is_an_error(drawn: list[Demonstration]) -> None:
    with pytest.raises(ConfigError):
        flawed(drawn[0], "silly", seed=0)
