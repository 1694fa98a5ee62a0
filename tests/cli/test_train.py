from __future__ import annotations

import pytest

from tunesmith.cli.train import STAGES

from .shell import Shell, finished


@pytest.mark.parametrize("stage", list(STAGES))
def test_each_stage_calls_its_recipe(shell: Shell, stage: str) -> None:
    recipe = shell.add(stage, finished)
    assert shell("train", stage, "--json").json["verb"] == f"train {stage}"
    assert len(recipe.calls) == 1


def test_a_stage_without_recipe_says_so(shell: Shell) -> None:
    ran = shell("train", "grpo")
    assert ran.code == 2 and "no recipe 'grpo'" in ran.err


def test_help_names_the_stage(capsys: pytest.CaptureFixture[str], shell: Shell) -> None:
    assert shell("train", "ppo", "--help").code == 0
    shown = capsys.readouterr().out
    assert "PPO-ptx" in shown and "--print-config" in shown
