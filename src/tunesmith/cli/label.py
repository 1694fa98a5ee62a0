"""`tunesmith label simulate | agreement`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.data import Files, Reading
from tunesmith.cli.record_files import parent_hashes
from tunesmith.cli.summary_text import summary_lines
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tunesmith.core.records import Ranking, RankingLabel, Record


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verb(app, "simulate")(simulate)
    verb(app, "agreement")(agreement)


def simulate(
    console: Console,
    files: Files,
    reading: Reading,
    out: Annotated[Path, typer.Option(help="The snapshot of ranking records to make.")],
    heldout: Annotated[
        bool, typer.Option("--heldout", help="The labelers kept for measuring, not for training.")
    ] = False,
    labelers: Annotated[int, typer.Option(help="How many labelers rank each prompt.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="The seed of the labelers' noise.")] = 0,
) -> Outcome:
    """Let the built-in desk's simulated labelers rank the completions of ranking records."""
    from tunesmith.core.records import Prompt
    from tunesmith.desk import labelers as desk_labelers
    from tunesmith.store import freeze

    found = reading.read(console, files)
    rankings = _rankings(found.records, "simulate")
    crew = desk_labelers(heldout=heldout)
    if labelers > len(crew):
        raise ConfigError(f"the desk has {len(crew)} such labelers", where=f"--labelers {labelers}")
    labeled = []
    for index, ranking in enumerate(rankings):
        prompt = Prompt(messages=ranking.messages, meta=ranking.meta)
        chosen = [crew[(index + shift) % len(crew)] for shift in range(labelers)]
        labels = tuple(labeler.rank(prompt, ranking.completions, seed=seed) for labeler in chosen)
        labeled.append(_with_labels(ranking, labels))
    freeze(labeled, out, parents=parent_hashes(files))
    summary = {"records": len(labeled), "labels": len(labeled) * labelers, "labelers": [one.id for one in crew]}
    return Outcome(
        summary=summary,
        lines=summary_lines(summary),
        artefacts={"snapshot": str(out)},
        next_command=f"tunesmith train reward --model runs/sft --data {out} --out runs/reward",
    )


def _with_labels(ranking: Ranking, labels: Sequence[RankingLabel]) -> Ranking:
    import dataclasses

    return dataclasses.replace(ranking, rankings=(*ranking.rankings, *labels))


def _rankings(records: Sequence[Record], verb_name: str) -> list[Ranking]:
    from tunesmith.core.records import Ranking, kind_of

    rankings = [record for record in records if isinstance(record, Ranking)]
    if len(rankings) != len(records):
        other = next(kind_of(record) for record in records if not isinstance(record, Ranking))
        raise DataError(f"`label {verb_name}` needs ranking records, but there is a {other} record")
    return rankings


def agreement(
    console: Console,
    files: Files,
    reading: Reading,
    labeler: Annotated[
        list[str] | None, typer.Option(help="Only these labelers. Repeatable.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="The seed of the interval's resampling.")] = 0,
) -> Outcome:
    """Say how often two labelers order the same two completions alike."""
    from tunesmith.evaluate.agreement import labeler_agreement

    found = reading.read(console, files)
    result = labeler_agreement(_rankings(found.records, "agreement"), seed=seed, labelers=labeler or None)
    rate = result.rate
    summary = {
        "agreement": {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n},
        "judgements": result.judgements,
        "tied": result.tied,
    }
    return Outcome(summary=summary, lines=summary_lines(summary))
