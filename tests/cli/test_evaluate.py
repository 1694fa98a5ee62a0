from __future__ import annotations

from .shell import Shell, finished


def test_run_measures_one_model(shell: Shell) -> None:
    recipe = shell.add("evaluate", finished)
    assert shell("eval", "run", "--model", "m").code == 0
    assert (recipe.calls[0][0].model, recipe.calls[0][0].against) == ("m", None)


def test_compare_takes_two(shell: Shell) -> None:
    recipe = shell.add("evaluate", finished)
    assert shell("eval", "compare", "a", "b", "--seed", "1").code == 0
    assert (recipe.calls[0][0].model, recipe.calls[0][0].against) == ("a", "b")
    assert shell("eval", "compare", "a").code == 2
