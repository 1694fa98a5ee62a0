from __future__ import annotations

import io

from rich.console import Console

from tunesmith.evaluate.terminal import terminal_summary

from .full_results import full_results, least_results


def shown(results):
    console = Console(file=io.StringIO(), width=110)
    console.print(terminal_summary(results))
    return console.file.getvalue().replace("\N{NO-BREAK SPACE}", " ")


def test_the_same_numbers_as_the_report():
    text = shown(full_results())
    assert "PPO-ptx is preferred to SFT on 64.0 % of 100 held-out prompts" in text
    assert "80.0 % (71.1–86.7 %)" in text
    assert "58.0 % (54.0–62.0 %)" in text
    assert max(map(len, text.splitlines())) <= 110


def test_what_was_not_measured_is_a_dash_or_absent():
    text = shown(least_results())
    assert "5.25" in text
    assert "gold judge" not in text
