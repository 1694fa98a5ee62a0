"""Write what the quickstart measured: results.json, report.html, and the table for the screen."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from tunesmith import __version__
from tunesmith.core.run_context import RunContext
from tunesmith.evaluate.charts import Panel
from tunesmith.evaluate.curves import read_curves
from tunesmith.evaluate.report import ReportDetails, write_report
from tunesmith.evaluate.results import OveroptimisationResult, Results, write_results
from tunesmith.evaluate.terminal import summary_text
from tunesmith.recipes.clock import Clock, peak_memory_gib
from tunesmith.recipes.measure import Measured


class Written(NamedTuple):
    """The files by name, and the report's numbers for the screen."""

    paths: dict[str, str]
    lines: list[str]


LAST_SHARE = 0.2  # the KL is the mean over this last share of PPO's steps


def write_outcome(
    measured: Measured,
    clock: Clock,
    *,
    curves_over_kl: Mapping[str, OveroptimisationResult],
    seed: int,
    out: Path,
    context: RunContext,
) -> Written:
    """Write the files and return what was written."""
    paths = {name: str(out / name) for name in ("sft", "reward", "ppo_ptx")}
    paths |= {"report": str(out / "report.html"), "results": str(out / "results.json")}
    curves = read_curves(out / "ppo_ptx" / "metrics.jsonl", ["ppo/score", "ppo/kl", "ppo/length", "ppo/entropy"])
    results = Results(
        seed=seed,
        seconds=clock.times(),
        peak_memory_gib=peak_memory_gib(),
        tokens_per_second=clock.rates(),
        models=measured.models,
        reward_model=measured.reward_model,
        win_rates=measured.win_rates,
        differences=measured.differences,
        kl=_late_mean([value for _, value in curves["ppo/kl"]]),
        paths=paths,
        overoptimisation=curves_over_kl.get("rl"),
        best_of_n=curves_over_kl.get("best_of_n"),
    )
    write_results(results, out / "results.json")
    details = ReportDetails(
        title="tunesmith quickstart",
        samples=measured.samples,
        panels=[
            Panel("Reward-model score in PPO", "score", {"score": curves["ppo/score"]}),
            Panel("KL to the SFT model", "nats a completion", {"KL": curves["ppo/kl"]}),
            Panel("Completion length", "tokens", {"length": curves["ppo/length"]}),
            Panel("Entropy", "nats a token", {"entropy": curves["ppo/entropy"]}),
        ],
        reproduce=[f"{context.command} --seed {seed} --out DIR"],
        provenance={
            "tunesmith": __version__,
            "torch": torch.__version__,
            "Python": platform.python_version(),
            "threads": str(torch.get_num_threads()),
        },
    )
    write_report(results, details, out / "report.html")
    return Written(paths, summary_text(results))


def _late_mean(values: Sequence[float]) -> float | None:
    late = values[-max(1, round(len(values) * LAST_SHARE)) :]
    return sum(late) / len(late) if late else None
