"""`tunesmith eval run | compare | report | injection`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.stage import StageFlags, run_stage
from tunesmith.cli.train import Data, Model
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError

Out = Annotated[Path | None, typer.Option(help="Where the results go.", show_default=False)]
Suites = Annotated[
    list[str] | None,
    typer.Option(
        "--suite",
        help="truthfulqa, truthfulqa_generation, hellaswag, squad2, gsm8k, ifeval, real_toxicity_prompts, winogender, "
        "crows_pairs, desk, or demonstrations (your own). Repeatable.",
        show_default=False,
    ),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        help="For your own demonstrations or completions: exact, contains, regex, json_equal, f1, rouge_1, rouge_2, "
        "rouge_l, bleu, or your own as module:function. Repeatable; the first one is what a comparison tests.",
        show_default=False,
    ),
]
Limit = Annotated[int | None, typer.Option(help="Items of each suite, drawn by the seed.", show_default=False)]
Completions = Annotated[
    list[str] | None,
    typer.Option(help="A table of completions made elsewhere, with their scores. Repeatable.", show_default=False),
]
Comparisons = Annotated[
    list[str] | None,
    typer.Option(help="A table of people's comparisons of two completions. Repeatable.", show_default=False),
]
Named = Annotated[str | None, typer.Argument(help="The model; the same as --model.", show_default=False)]
Runs = Annotated[list[str], typer.Argument(help="Models, or runs or logs of `eval run --suite`.")]
Judge = Annotated[
    str | None,
    typer.Option(
        help="Who says which completion is better: a reward model's folder, or http(s)://HOST/v1 of a teacher.",
        show_default=False,
    ),
]
Correction = Annotated[
    str | None, typer.Option(help="For several comparisons: holm, or bh (Benjamini-Hochberg).", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verb(app, "run")(run)
    verb(app, "compare")(compare)
    verb(app, "report")(report)
    verb(app, "injection")(injection)


def run(  # noqa: PLR0913 - one parameter per option
    console: Console,
    stage_flags: StageFlags,
    named: Named = None,
    model: Model = None,
    suite: Suites = None,
    data: Data = None,
    metric: Metrics = None,
    limit: Limit = None,
    completions: Completions = None,
    comparisons: Comparisons = None,
    out: Out = None,
) -> Outcome:
    """Measure a model on suites or on the built-in desk, or completions that were made elsewhere."""
    if named and model:
        raise ConfigError("the model is given twice", where="--model", remedy="keep one")
    ways = [
        name
        for name, given in (("--suite", suite), ("--completions", completions), ("--comparisons", comparisons))
        if given
    ]
    if len(ways) > 1:
        raise ConfigError(
            f"{' and '.join(ways)} do not go together", where=ways[1], remedy="run them one after another"
        )
    flags: dict[str, Any] = {"model": named or model, "data": data or None, "out": out}
    if suite:
        flags |= {"suites": suite, "metrics": metric or None, "limit": limit}
        return run_stage(console, "evaluate_suites", stage_flags, flags=flags)
    if completions:
        flags = {"completions": completions, "metrics": metric or None, "out": out}
        return run_stage(console, "evaluate_completions", stage_flags, flags=flags)
    if comparisons:
        return run_stage(console, "evaluate_comparisons", stage_flags, flags={"comparisons": comparisons, "out": out})
    return run_stage(console, "evaluate", stage_flags, flags={**flags, "prompts": limit})


def compare(
    console: Console,
    stage_flags: StageFlags,
    runs: Runs,
    data: Data = None,
    judge: Judge = None,
    correction: Correction = None,
    out: Out = None,
) -> Outcome:
    """Say how two runs or logs differ, item by item, with intervals; or let two models answer the same prompts.

    With more than two runs, or with --judge, completions are compared pairwise and put on one ladder.
    """
    if len(runs) < 2:
        raise ConfigError("two things are needed to compare", where="runs")
    if all(_has_log(name) for name in runs):
        flags = {"runs": runs, "judge": judge, "correction": correction, "out": out}
        return run_stage(console, "compare_logs", stage_flags, flags=flags)
    if len(runs) > 2 or judge or correction:
        raise ConfigError(
            "no log of samples",
            where=next(name for name in runs if not _has_log(name)),
            remedy="make one with `tunesmith eval run --suite NAME`",
        )
    flags = {"model": runs[0], "against": runs[1], "data": data or None, "out": out}
    return run_stage(console, "evaluate", stage_flags, flags=flags)


def injection(console: Console, stage_flags: StageFlags, model: Model = None, out: Out = None) -> Outcome:
    """Say how often a model follows instructions hidden in pages, with and without the frame around them."""
    return run_stage(console, "injection", stage_flags, flags={"model": model, "out": out})


def report(
    console: Console,
    stage_flags: StageFlags,
    runs: Annotated[list[str], typer.Argument(help="Runs of `eval run --suite`, the parent first.")],
    out: Out = None,
) -> Outcome:
    """Write one page: what was measured, what changed against the first run, and samples."""
    return run_stage(console, "evaluation_report", stage_flags, flags={"runs": runs, "out": out})


def _has_log(name: str) -> bool:
    path = Path(name)
    return path.suffix == ".jsonl" or (path / "samples.jsonl").is_file()
