from __future__ import annotations

import numpy as np
import pytest

from tunesmith.core.errors import DataError
from tunesmith.statistics.ab_test import Arm, Metric, Outcome, check_shares, judge_metric, make_report

ARMS = (Arm(name="a", share=0.5), Arm(name="b", share=0.5))


def outcomes(first: float, second: float, n: int, *, each: int = 1, seed: int = 1) -> list[Outcome]:
    rng = np.random.default_rng(seed)
    arms = rng.integers(0, 2, n)
    return [
        Outcome(int(arm), f"u{i}", float(rng.random() < (second if arm else first)))
        for i, arm in enumerate(arms)
        for _ in range(each)
    ]


def test_a_clear_winner_loser_and_an_open_case() -> None:
    for rates, words in (((0.4, 0.6), "Promote b"), ((0.6, 0.4), "Keep a"), ((0.5, 0.5), "Not decided after 800")):
        result = judge_metric(Metric(name="vote"), ARMS, outcomes(*rates, 800))
        assert make_report("t", ARMS, [result]).recommendation.startswith(words)
    lower = judge_metric(Metric(name="errors", better="lower"), ARMS, outcomes(0.4, 0.6, 800))
    assert make_report("t", ARMS, [lower]).recommendation.startswith("Keep a")


def test_a_person_counts_once() -> None:
    """Forty outcomes of each of 30 people are 30 people, not 1,200."""
    rng = np.random.default_rng(4)
    taste = rng.random(30)
    said = [Outcome(i % 2, f"u{i}", float(rng.random() < taste[i])) for i in range(30) for _ in range(40)]
    result = judge_metric(Metric(name="vote"), ARMS, said)
    assert [(arm.people, arm.outcomes) for arm in result.arms] == [(15, 600), (15, 600)]
    assert result.comparisons[0].p == 1.0 and result.comparisons[0].difference is None
    assert make_report("t", ARMS, [result]).recommendation.startswith("Go on: 30 people")


def test_whoever_was_in_two_arms_is_left_out_and_counted() -> None:
    result = judge_metric(Metric(name="vote"), ARMS, [*outcomes(0.5, 0.5, 50), Outcome(0, "x", 1), Outcome(1, "x", 1)])
    assert result.left_out == 2 and sum(arm.people for arm in result.arms) == 50


def test_arms_of_the_wrong_size_stop_everything() -> None:
    result = judge_metric(Metric(name="vote"), ARMS, outcomes(0.4, 0.6, 800))
    rng = np.random.default_rng(1)
    lost = (rng.random(3000) < 0.42).astype(int).tolist()
    report = make_report("t", ARMS, [result], assigned=lost)
    assert report.shares is not None and report.shares.alarm
    assert report.recommendation.startswith("Do not trust this test")
    assert not check_shares(ARMS, rng.integers(0, 2, 3000).tolist()).alarm


def test_guardrails() -> None:
    rng = np.random.default_rng(2)
    arms = rng.integers(0, 2, 600)

    def guard(extra: float, n: int = 600) -> str | None:
        said = [Outcome(int(a), f"u{i}", float(rng.normal(2 + extra * a, 0.3))) for i, a in enumerate(arms[:n])]
        metric = Metric(name="seconds", role="guardrail", better="lower", margin=0.3)
        return judge_metric(metric, ARMS, said).comparisons[0].guardrail

    assert (guard(0.0), guard(1.0), guard(0.3), guard(0.0, 40)) == ("held", "breached", "open", "open")


def test_three_arms_pay_for_their_chances() -> None:
    arms = tuple(Arm(name=n, share=1 / 3) for n in "abc")
    said = outcomes(0.4, 0.6, 500)
    two = judge_metric(Metric(name="vote"), ARMS, said).comparisons[0]
    three = judge_metric(Metric(name="vote"), arms, said).comparisons[0]
    assert three.p == pytest.approx(min(1.0, 2 * two.p))


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(DataError):
        judge_metric(Metric(name="vote"), ARMS, [Outcome(0, "u", float("nan"))])


def test_json_round_trip() -> None:
    import orjson

    report = make_report("t", ARMS, [judge_metric(Metric(name="vote"), ARMS, outcomes(0.4, 0.6, 100))])
    assert orjson.loads(orjson.dumps(report.to_json()))["metrics"][0]["comparisons"][0]["arm"] == "b"
