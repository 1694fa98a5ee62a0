from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.evaluate.rounds import RoundResult, Verdict, is_over, judge_round
from tunesmith.evaluate.rounds_report import write_rounds
from tunesmith.statistics.rates import Rate

UP, DOWN, FLAT = Rate(0.2, 0.1, 0.3, 100), Rate(-0.2, -0.3, -0.1, 100), Rate(0.0, -0.1, 0.1, 100)
BETTER, EVEN = Rate(0.6, 0.51, 0.69, 100), Rate(0.55, 0.49, 0.61, 100)


@pytest.mark.parametrize(
    ("win", "proxy", "gold", "verdict"),
    [
        (BETTER, UP, UP, "promoted"),
        (BETTER, FLAT, FLAT, "promoted"),
        (EVEN, UP, FLAT, "not better"),
        (EVEN, UP, DOWN, "over-optimised"),
        (BETTER, UP, DOWN, "over-optimised"),
        (EVEN, DOWN, DOWN, "not better"),
        (Rate(0.5, 0.5, 0.5, 10), FLAT, FLAT, "not better"),
    ],
)
def test_only_significantly_better_is_promoted(win: Rate, proxy: Rate, gold: Rate, verdict: str) -> None:
    assert judge_round(win, proxy=proxy, gold=gold) == verdict


@pytest.mark.parametrize(
    ("verdicts", "patience", "over"),
    [
        (["start", "promoted"], 1, False),
        (["start", "not better"], 1, True),
        (["start", "not better"], 2, False),
        (["start", "not better", "promoted", "not better"], 2, False),
        (["start", "promoted", "not better", "not better"], 2, True),
        (["start", "over-optimised"], 5, True),
    ],
)
def test_patience_counts_rounds_in_a_row(verdicts: list[Verdict], patience: int, over: bool) -> None:
    assert is_over(verdicts, patience=patience) is over


def rounds() -> list[RoundResult]:
    start = RoundResult(number=0, verdict="start", policy="sft", candidate="sft", quality=Rate(0.4, 0.3, 0.5, 100))
    first = RoundResult(
        number=1,
        verdict="over-optimised",
        policy="sft",
        candidate="ppo",
        quality=Rate(0.3, 0.2, 0.4, 100),
        over_start=Rate(0.437, 0.4, 0.48, 100),
        win_rate=EVEN,
        proxy_change=UP,
        gold_change=DOWN,
        rankings=("a", "b"),
        parents={"policy": "sft", "rankings <b>": "ab12"},
    )
    return [start, first]


def test_a_round_survives_its_file(tmp_path: Path) -> None:
    for one in rounds():
        one.write(tmp_path / "round.json")
        assert RoundResult.read(tmp_path / "round.json") == one
    assert RoundResult.read(tmp_path / "absent.json") is None


def test_the_page_says_why_it_ended_and_escapes(tmp_path: Path) -> None:
    result = write_rounds(rounds(), tmp_path, command="tunesmith loop")
    page = (tmp_path / "rounds.html").read_text()
    assert "over-optimisation" in result.summary["ended"] and "over-optimisation" in page
    assert page.count("43.7") == 2, "in the table and in the plot"
    assert "&lt;b&gt;" in page and "<b>" not in page and "<svg" in page
    assert result.summary["policy"] == "sft" and result.next_command == "tunesmith chat sft"


def test_people_are_told_what_to_do_next(tmp_path: Path) -> None:
    result = write_rounds(rounds()[:1], tmp_path, command="", to_rank="runs/round-01/to_rank.jsonl")
    assert result.next_command == "tunesmith label add runs/round-01/to_rank.jsonl --task round-01"
    assert "waiting for rankings" in result.summary["ended"]
    assert "preferred to the start" not in (tmp_path / "rounds.html").read_text().partition("</figure>")[0]
