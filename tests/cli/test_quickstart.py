from __future__ import annotations

from pathlib import Path

from .shell import Shell, finished


def test_flags_reach_the_recipe(shell: Shell) -> None:
    recipe = shell.add("quickstart", finished)
    assert shell("quickstart", "--out", "q", "--data", "f", "--model", "m", "--seed", "2", "--full").code == 0
    config, _ = recipe.calls[0]
    assert (config.out, config.data, config.model, config.seed, config.full) == (Path("q"), (Path("f"),), "m", 2, True)


def test_full_can_also_come_from_a_set(shell: Shell) -> None:
    recipe = shell.add("quickstart", finished)
    assert shell("quickstart", "--set", "full=true").code == 0
    assert recipe.calls[0][0].full
