"""Vary a data set: add labelled copies of its records with noise, other words, other manners and traps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from tunesmith.core.records import Document, Record
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.make.augment.augment import Augmented, Strength, augment
from tunesmith.make.augment.known import METHODS, methods
from tunesmith.make.augment.method import asked
from tunesmith.make.augment.synonyms import read_thesaurus
from tunesmith.recipes.workshop import WorkshopConfig, freeze_result, rows_of, shortened


class Config(WorkshopConfig):
    """Augmentation."""

    methods: tuple[str, ...] = Field((), description=f"{', '.join(METHODS)}; none = all")
    share: float = Field(0.1, gt=0, le=1, description="for each method, the share of records that get a variant")
    rate: float = Field(0.1, gt=0, le=1, description="share of the words that noise touches (at least one)")
    keep_originals: bool = Field(True, description="put the records themselves into the snapshot too")
    synonyms: str | None = Field(None, description="a thesaurus in the form of make/augment/synonyms.txt")


def run(config: Config, context: RunContext) -> RunResult:
    """Augment, and write the snapshot."""
    chosen = methods(config.methods)
    thesaurus = read_thesaurus(Path(config.synonyms)) if config.synonyms else None
    rows = rows_of(config, context)
    records = [row.record for row in rows.rows]
    strength = Strength(share=config.share, rate=config.rate, thesaurus=thesaurus)
    made = augment(records, chosen, strength=strength, seed=config.seed)
    for line in _examples(made):
        context.log(line)
    kept: list[Record] = list(records) if config.keep_originals else []
    summary: dict[str, Any] = {
        "records_before": len(records),
        "records": len(kept) + len(made.variants),
        "made": {method.name: made.made[method.name] for method in chosen},
        "answer": {method.name: method.answer for method in chosen},
        "unfit": {name: dict(reasons.most_common()) for name, reasons in made.unfit.items()},
        "quarantined": len(rows.quarantined),
    }
    out = Path(config.out or ".")
    if context.dry_run:
        return RunResult(out=out, summary={"dry_run": True, **summary})
    freeze_result([*kept, *made.variants], config, rows.parents)
    return RunResult(
        out=out,
        summary=summary,
        artefacts={"snapshot": config.out},
        next_command=f"tunesmith train sft --model desk --data {config.out} --out runs/sft",
    )


def _examples(made: Augmented) -> list[str]:
    """Return the first variant of each method."""
    lines: dict[str, str] = {}
    for variant in made.variants:
        if not isinstance(variant, Document):
            lines.setdefault(variant.meta["augmented"]["method"], shortened(asked(variant)))
    return [f"{name}: {line}" for name, line in lines.items()]
