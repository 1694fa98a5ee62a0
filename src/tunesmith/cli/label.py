"""`tunesmith label simulate | agreement`; the desk's own verbs are in `label_desk.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli import label_desk, label_rounds
from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.data import Files, Reading
from tunesmith.cli.label_desk import Crew, DeskTask
from tunesmith.cli.record_files import parent_hashes
from tunesmith.cli.summary_text import summary_lines
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tunesmith.core.records import Ranking, RankingLabel, Record


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    label_desk.register(app)
    label_rounds.register(app)
    verb(app, "simulate")(simulate)
    verb(app, "agreement")(agreement)


def simulate(
    console: Console,
    reading: Reading,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files or snapshots of ranking records; none with --task.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The snapshot of ranking records to make.", show_default=False)
    ] = None,
    desk: DeskTask = DeskTask(),  # noqa: B008 - a frozen value
    crew: Crew = Crew(),  # noqa: B008
) -> Outcome:
    """Let the built-in desk's simulated labelers rank: the records of files, or with --task the items of the desk."""
    if (desk.task is None) == (not files):
        raise ConfigError("name files to rank, or an annotation task of the desk", where="--task")
    if desk.task is not None:
        return label_desk.rehearse_task(console, desk, crew)
    if out is None:
        raise ConfigError("is missing", where="--out")
    assert files
    return _simulate_files(console, files, reading, out, crew)


def _simulate_files(console: Console, files: list[Path], reading: Reading, out: Path, crew: Crew) -> Outcome:
    from tunesmith.core.records import Prompt
    from tunesmith.store import freeze

    found = reading.read(console, files)
    rankings = _rankings(found.records, "simulate")
    people = crew.people()
    labeled = []
    for index, ranking in enumerate(rankings):
        prompt = Prompt(messages=ranking.messages, meta=ranking.meta)
        chosen = [people[(index + shift) % len(people)] for shift in range(crew.labelers)]
        labels = tuple(labeler.rank(prompt, ranking.completions, seed=crew.seed) for labeler in chosen)
        labeled.append(_with_labels(ranking, labels))
    freeze(labeled, out, parents=parent_hashes(files))
    summary = {
        "records": len(labeled),
        "labels": len(labeled) * crew.labelers,
        "labelers": [one.id for one in people],
    }
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
    from tunesmith.statistics.agreement import labeler_agreement

    found = reading.read(console, files)
    result = labeler_agreement(_rankings(found.records, "agreement"), seed=seed, labelers=labeler or None)
    rate = result.rate
    summary = {
        "agreement": {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n},
        "judgements": result.judgements,
        "tied": result.tied,
    }
    return Outcome(summary=summary, lines=summary_lines(summary))
