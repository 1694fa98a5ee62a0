from __future__ import annotations

import pytest

from tunesmith.core.errors import DataError
from tunesmith.evaluate.judging import Orders, Pair, judged_pairs, parsed, question

PAIRS = [Pair(str(i), "q", f"ours {i}", f"theirs {i}") for i in range(20)]


def test_a_judge_of_the_first_place_says_nothing_t_ev_6():
    """T-EV-6: always slot 1: win rate .5, consistency 0."""
    found = judged_pairs(PAIRS, [Orders("first", "first")] * 20, seed=0)
    assert found.preference.rate.value == 0.5
    assert found.consistency is not None and found.consistency.value == 0.0
    assert found.first_place is not None and found.first_place.value == 1.0


def test_a_perfect_judge_t_ev_6():
    """T-EV-6: the same completion wins in both places: 1 and 1."""
    found = judged_pairs(PAIRS, [Orders("first", "second")] * 20, seed=0)
    assert found.preference.rate.value == 1.0
    assert found.consistency is not None and found.consistency.value == 1.0
    assert found.first_place is not None and found.first_place.value == 0.5


def test_unreadable_verdicts_are_counted_and_left_out_t_ev_17():
    """T-EV-17: neither a loss nor a tie; the parse rate is reported."""
    verdicts = [Orders("first", "second")] * 6 + [Orders(None, "second")] * 2 + [Orders(None, None)] * 12
    found = judged_pairs(PAIRS, verdicts, seed=0)
    assert found.preference.rate.value == 1.0
    assert found.preference.rate.n == 8
    assert found.unjudged == 12
    assert found.parse_rate.value == pytest.approx(14 / 40)
    body = found.to_json()
    assert (body["unjudged"], body["wins"], body["ties"], body["losses"]) == (12, 14, 0, 0)
    with pytest.raises(DataError, match="no readable verdict"):
        judged_pairs(PAIRS, [Orders(None, None)] * 20, seed=0)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ('{"better": "first"}', "first"),
        ('I think:\n```json\n{"better" : "Tie"}\n```', "tie"),
        ("The first one is better.", None),
        ('{"better": "first"} or {"better": "second"}', None),
        ('{"better": "both"}', None),
        ("", None),
    ],
)
def test_what_a_teacher_says_t_ev_17(reply, verdict):
    """T-EV-17: only one clear verdict counts."""
    assert parsed(reply) == verdict


def test_both_orders_are_asked():
    [one] = question("q", "a", "b")
    [other] = question("q", "b", "a")
    assert one.content.index("\na\n") < one.content.index("\nb")
    assert one != other
