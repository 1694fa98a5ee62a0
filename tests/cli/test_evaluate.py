from __future__ import annotations

from pathlib import Path

from .shell import FakeConfig, Shell, finished


def test_run_measures_one_model(shell: Shell) -> None:
    recipe = shell.add("evaluate", finished)
    assert shell("eval", "run", "--model", "m").code == 0
    assert (recipe.calls[0][0].model, recipe.calls[0][0].against) == ("m", None)


def test_suites_and_tables_have_recipes_of_their_own(shell: Shell) -> None:
    class SuitesConfig(FakeConfig):
        suites: tuple[str, ...] = ()
        metrics: tuple[str, ...] = ()
        completions: tuple[str, ...] = ()
        comparisons: tuple[str, ...] = ()
        limit: int = 0

    for option, recipe in (
        ("--suite", "evaluate_suites"),
        ("--completions", "evaluate_completions"),
        ("--comparisons", "evaluate_comparisons"),
    ):
        made = shell.add(recipe, finished)
        made.Config = SuitesConfig
        assert shell("eval", "run", option, "x").code == 0
        assert len(made.calls) == 1
    assert shell("eval", "run", "--suite", "x", "--completions", "y").code == 2
    assert shell("eval", "run", "m", "--model", "m").code == 2


def test_compare_reads_logs_where_there_are_some(shell: Shell, tmp_path: Path) -> None:
    class LogsConfig(FakeConfig):
        runs: tuple[str, ...] = ()
        judge: str | None = None
        correction: str | None = None

    made = shell.add("compare_logs", finished)
    made.Config = LogsConfig
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "samples.jsonl").touch()
    assert shell("eval", "compare", *(tmp_path / name for name in ("a", "b", "c")), "--correction", "bh").code == 0
    assert made.calls[0][0].runs == tuple(str(tmp_path / name) for name in ("a", "b", "c"))
    assert shell("eval", "compare", tmp_path / "a", tmp_path / "nothing", "--judge", "j").code == 2


def test_report_takes_runs(shell: Shell) -> None:
    class ReportConfig(FakeConfig):
        runs: tuple[str, ...] = ()

    made = shell.add("evaluation_report", finished)
    made.Config = ReportConfig
    assert shell("eval", "report", "a", "b").code == 0
    assert made.calls[0][0].runs == ("a", "b")


def test_compare_takes_two(shell: Shell) -> None:
    recipe = shell.add("evaluate", finished)
    assert shell("eval", "compare", "a", "b", "--seed", "1").code == 0
    assert (recipe.calls[0][0].model, recipe.calls[0][0].against) == ("a", "b")
    assert shell("eval", "compare", "a").code == 2
