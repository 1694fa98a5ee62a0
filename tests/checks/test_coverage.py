from __future__ import annotations

from tests.checks.dividing import asked, result, rows_of, same_however_divided
from tunesmith.checks.coverage import Coverage, CoverageConfig
from tunesmith.checks.scenario_rules import SCENARIOS


def labelled(task: str, scenario: str, n: int) -> list:
    return [asked(f"{task} {scenario} {i}", "a", task=task, scenario=scenario) for i in range(n)]


def test_labels_are_counted_and_gaps_named() -> None:
    records = [*labelled("chat", "plain", 20), *labelled("chat", "complexity", 6), *labelled("convert", "noisy", 3)]
    outcome = same_however_divided(Coverage(), rows_of(records))
    assert outcome.numbers["matrix"] == {"chat": {"complex": 6, "plain": 20}, "convert": {"noisy": 3}}
    assert outcome.numbers["rows_judged_by_rules"] == 0
    gaps = outcome.numbers["gaps"]
    assert "chat × plain" not in gaps and "chat × complex" not in gaps
    assert {"convert × noisy", "chat × synonymous"} <= set(gaps), "three rows are too few"
    assert len(gaps) == 2 * len(SCENARIOS) - 2
    assert "add persona rows to 2 of 2 tasks: chat, convert" in outcome.advice
    assert not outcome.plots["matrix"]["guessed"]


def test_rows_without_labels_are_guessed_and_the_result_says_so() -> None:
    records = [asked(f"What is {i}?", "It.") for i in range(60)] + labelled("chat", "plain", 5)
    outcome = same_however_divided(Coverage(), rows_of(records))
    assert outcome.numbers["guessed_matrix"] == {"open_qa": {"plain": 60}}
    assert outcome.numbers["rules"]["task open_qa: a question by itself"] == 60
    assert outcome.numbers["labelled_rows"] == 5
    assert outcome.plots["matrix"]["guessed"]
    assert "guessed by rules" in outcome.advice[0]
    assert not any("synonymous" in gap for gap in outcome.numbers["gaps"]), "rules cannot see synonyms"


def test_one_label_of_two_is_kept() -> None:
    records = [asked(f"Why is it {i}?", "So.", task="riddles") for i in range(30)]
    assert result(Coverage(), rows_of(records)).numbers["guessed_matrix"] == {"riddles": {"plain": 30}}


def test_only_a_sample_is_guessed() -> None:
    records = [asked(f"What is {i}?", "It.") for i in range(3000)]
    judged = result(Coverage(CoverageConfig(sample=100)), rows_of(records)).numbers["rows_judged_by_rules"]
    assert 60 < judged < 140
