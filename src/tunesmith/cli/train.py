"""`tunesmith train <stage>`: one verb per training stage, all alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.from_store import PRODUCTS, Stored, stored_labels
from tunesmith.cli.stage import StageFlags, run_stage
from tunesmith.cli.verb import verb

STAGES = {
    "pretrain": "Train a base model from scratch on documents.",
    "sft": "Fine-tune on demonstrations (supervised).",
    "reward": "Train a reward model on rankings or comparisons.",
    "ppo": "Train a policy against a reward model: PPO, with a KL penalty and a pretraining mix (PPO-ptx).",
    "dpo": "Train a policy on comparisons directly (DPO).",
    "grpo": "Train a policy on groups of completions (GRPO).",
    "distill": "Train a student on a teacher's distribution at the student's own samples (GKD).",
}

Model = Annotated[str | None, typer.Option(help="A model folder, or `desk` for the shipped one.", show_default=False)]
Data = Annotated[list[str] | None, typer.Option(help="A file or a snapshot. Repeatable.", show_default=False)]
Out = Annotated[Path | None, typer.Option(help="The run directory to make or to go on with.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add one verb per stage."""
    for stage, text in STAGES.items():
        verb(app, stage)(_stage_on_labels(stage, text) if stage in PRODUCTS else _stage(stage, text))


def _stage(stage: str, text: str) -> Callable[..., Outcome]:
    def train(
        console: Console, stage_flags: StageFlags, model: Model = None, data: Data = None, out: Out = None
    ) -> Outcome:
        return run_stage(console, stage, stage_flags, flags={"model": model, "data": data or None, "out": out})

    return _documented(train, text)


def _stage_on_labels(stage: str, text: str) -> Callable[..., Outcome]:
    def train(
        console: Console,
        stage_flags: StageFlags,
        stored: Stored,
        model: Model = None,
        data: Data = None,
        out: Out = None,
    ) -> Outcome:
        with stored_labels(console, stage, stored, out=out, dry_run=stage_flags.dry_run) as labels:
            flags = {"model": model, "data": [*(data or []), *labels] or None, "out": out}
            return run_stage(console, stage, stage_flags, flags=flags)

    return _documented(train, text)


def _documented(train: Callable[..., Outcome], text: str) -> Callable[..., Outcome]:
    train.__doc__ = f"{text}\n\nEvery other setting: --set key=value (see --print-config)."
    return train
