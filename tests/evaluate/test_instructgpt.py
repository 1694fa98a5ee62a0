from __future__ import annotations

import math

import pytest

from tunesmith.evaluate.instructgpt import instructgpt_table, language_tax

from .full_results import full_results, least_results


def test_the_papers_figures_stand_beside_the_runs():
    rows = {f"{g.title}/{r.measure}": r for g in instructgpt_table(full_results()) for r in g.rows}
    sft = rows["PPO-ptx preferred to/SFT, gold judge"]
    assert (sft.paper, sft.ours, sft.n) == ("73.4 ± 2 %", "64.0\N{NO-BREAK SPACE}%", 100)
    assert rows["Reward model and labelers/Accuracy, training labelers"].paper.startswith("72.4")
    assert rows["Reward model and labelers/Accuracy, held-out labelers"].paper.startswith("69.6")
    assert rows["Reward model and labelers/Agreement among held-out labelers"].paper.startswith("77.3")
    assert rows["Truthful answers/PPO-ptx"].paper == "71.2 %"
    assert rows["Toxic answers/Large base, prompted"].paper == ""
    assert rows["Alignment tax against the base/PPO"].ours == "+0.442 nats/token"


def test_what_was_not_measured_has_no_row():
    assert instructgpt_table(least_results()) == []
    measures = [r.measure for g in instructgpt_table(full_results()) for r in g.rows]
    assert "Agreement among training labelers" not in measures
    assert "Large base, prompted, gold judge" not in measures


def test_language_tax_is_the_log_of_the_perplexity_ratio():
    tax = language_tax(full_results())
    assert tax == pytest.approx({"sft": math.log(10 / 9), "ppo": math.log(14 / 9), "ppo_ptx": math.log(9.5 / 9)})
    assert language_tax(least_results()) == {}
