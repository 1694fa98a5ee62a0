from __future__ import annotations

from dataclasses import replace

import pytest

from tunesmith.core.errors import DataError
from tunesmith.core.records import Completion, Message, Ranking, RankingLabel
from tunesmith.evaluate.reward_accuracy import Margin, margins, reward_accuracy, shared_margins
from tunesmith.statistics.agreement import labeler_agreement


def record(*labelers):
    completions = tuple(Completion(id=i, text=i) for i in "abc")
    labels = tuple(RankingLabel(labeler=who, order=(("a",), ("b", "c"))) for who in labelers)
    return Ranking(messages=(Message("user", "hi"),), completions=completions, rankings=labels)


def test_margins_of_strict_pairs():
    found = margins([record("x", "held")], [{"a": 3.0, "b": 1.0, "c": 4.0}], labelers={"held"})
    assert found == [Margin("0", 2.0), Margin("0", -1.0)]


def test_shared_margins_are_those_that_another_labeler_ordered_too():
    scores = [{"a": 3.0, "b": 1.0, "c": 4.0}]
    labels = (
        RankingLabel(labeler="x", order=(("a",), ("b",), ("c",))),
        RankingLabel(labeler="y", order=(("c",), ("a", "b"))),
        RankingLabel(labeler="z", order=(("b",), ("a",), ("c",))),
    )
    ranking = replace(record(), rankings=labels)
    # x and y both ordered (a, c) and (b, c); (a, b), a tie for y, does not count. z is not asked.
    found = shared_margins([ranking], scores, labelers={"x", "y"})
    assert sorted(m.delta for m in found) == [-3.0, -1.0, 1.0, 3.0]
    assert {m.prompt for m in found} == {"0"}
    assert len(found) == 2 * labeler_agreement([ranking], seed=0, labelers={"x", "y"}).judgements
    assert len(shared_margins([ranking], scores, labelers={"x"})) == 0
    everybody = shared_margins([ranking], scores, labelers={"x", "y", "z"})
    assert len(everybody) == 2 * labeler_agreement([ranking], seed=0).judgements
    with pytest.raises(DataError, match=r"rankings\[0\].*'c'"):
        shared_margins([ranking], [{"a": 1.0, "b": 0.0}], labelers={"x", "y"})


def test_a_completion_without_a_score_is_named():
    with pytest.raises(DataError, match=r"rankings\[0\].*'c'"):
        margins([record("x")], [{"a": 1.0, "b": 0.0}])


@pytest.mark.parametrize("delta", [0.0, float("nan")])
def test_constant_or_undefined_scores_are_ties_t_rm_15(delta):
    """T-RM-15: constant or NaN scores count as ties, neither as right nor as wrong."""
    result = reward_accuracy([Margin(str(i), delta) for i in range(20)], seed=0)
    assert result.rate.value == 0.5
    assert (result.correct, result.tied, result.wrong) == (0, 20, 0)
    assert result.not_a_number == (20 if delta != delta else 0)


def test_swapped_labels_give_one_minus_accuracy_t_rm_14():
    """T-RM-14: without ties, accuracy on swapped pairs is 1 - accuracy."""
    pairs = [Margin(str(i // 3), d) for i, d in enumerate([1.0, -2.0, 0.5, 3.0, 1.0, -0.1])]
    straight = reward_accuracy(pairs, seed=0).rate
    swapped = reward_accuracy([Margin(p.prompt, -p.delta) for p in pairs], seed=0).rate
    assert straight.value == pytest.approx(4 / 6)
    assert straight.value + swapped.value == pytest.approx(1.0)
    assert straight.n == 2
