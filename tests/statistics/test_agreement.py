from __future__ import annotations

import pytest

from tunesmith.core.errors import DataError
from tunesmith.core.records import Completion, Message, Ranking, RankingLabel
from tunesmith.statistics.agreement import StrictPair, labeler_agreement, strict_pairs

ASKED = (Message("user", "hi"),)


def ranking(*orders, labelers="xyz"):
    labels = tuple(
        RankingLabel(labeler=who, order=tuple(tuple(g) for g in o)) for who, o in zip(labelers, orders, strict=False)
    )
    return Ranking(messages=ASKED, completions=tuple(Completion(id=i, text=i) for i in "abc"), rankings=labels)


def test_strict_pairs_leave_ties_out():
    label = RankingLabel(labeler="x", order=(("a",), ("b", "c")))
    assert strict_pairs(label) == [StrictPair("a", "b"), StrictPair("a", "c")]


def test_agreement_by_hand():
    # abc against acb: ab and ac agree, bc does not.
    result = labeler_agreement([ranking(["a", "b", "c"], ["a", "c", "b"])], seed=0)
    assert result.rate.value == pytest.approx(2 / 3)
    assert (result.judgements, result.tied, result.rate.n) == (3, 0, 1)


def test_ties_are_left_out_and_counted():
    result = labeler_agreement([ranking(["a", "bc"], ["a", "b", "c"])] * 2, seed=0)
    assert result.rate.value == 1.0
    assert (result.judgements, result.tied) == (4, 2)


def test_completions_that_one_labeler_did_not_rank_do_not_count():
    result = labeler_agreement([ranking(["a", "b"], ["b", "c"], ["a", "b", "c"])] * 2, seed=0)
    assert result.tied == 0
    assert result.judgements == 2 * 2


def test_only_the_labelers_asked_for():
    records = [ranking(["a", "b"], ["b", "a"], ["a", "b"])] * 3
    assert labeler_agreement(records, seed=0, labelers={"x", "z"}).rate.value == 1.0
    assert labeler_agreement(records, seed=0).rate.value == pytest.approx(1 / 3)


def test_no_shared_pair_is_an_error():
    with pytest.raises(DataError, match="no two labelers"):
        labeler_agreement([ranking(["a", "b"])], seed=0)
