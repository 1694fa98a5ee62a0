"""`tunesmith data import | show | split | export`; `check` has its own file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli import data_making
from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.data_check import check
from tunesmith.cli.record_files import (
    RecordFiles,
    count_kinds,
    parent_hashes,
    place,
    read_record_files,
    write_quarantine,
)
from tunesmith.cli.summary_text import summary_lines
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tunesmith.core.records import Record

Files = Annotated[list[Path], typer.Argument(help="Files or snapshot directories.")]
PREVIEW_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read."""

    format: Annotated[str | None, typer.Option(help="The format; found out without it.", show_default=False)] = None
    kind: Annotated[str | None, typer.Option(help="Read as this kind of record.", show_default=False)] = None
    on_bad_row: Annotated[str, typer.Option(help="quarantine: set a bad row aside; stop: end with exit code 3.")] = (
        "quarantine"
    )

    def read(self, console: Console, paths: list[Path]) -> RecordFiles:
        """Return the records of the paths; see `read_record_files`."""
        return read_record_files(console, paths, format=self.format, kind=self.kind, on_bad_row=self.on_bad_row)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verb(app, "import")(import_files)
    verb(app, "check")(check)
    verb(app, "show")(show)
    verb(app, "split")(split)
    verb(app, "export")(export)
    data_making.register(app)


def import_files(
    console: Console,
    files: Files,
    reading: Reading,
    out: Annotated[Path, typer.Option(help="The snapshot directory to make.")],
) -> Outcome:
    """Read files in any known format into one snapshot.

    Bad rows are set aside in OUT/quarantine.jsonl with file, line, field and reason; that alone is no failure. When no
    row is usable, nothing is written and the exit code is 3.
    """
    from tunesmith.store import freeze

    found = reading.read(console, files)
    freeze(found.records, out, parents=parent_hashes(files))
    quarantine = out / "quarantine.jsonl"
    write_quarantine(found.quarantined, quarantine)
    kinds = count_kinds(found.records)
    artefacts = {"snapshot": str(out)} | ({"quarantine": str(quarantine)} if found.quarantined else {})
    return Outcome(
        summary={
            "records": len(found.records),
            "kinds": kinds,
            "formats": found.formats,
            "quarantined": len(found.quarantined),
            "first_quarantined": [place(row) for row in found.quarantined[:5]],
        },
        lines=[f"{count:,} {kind} records" for kind, count in kinds.items()]
        + ([f"{len(found.quarantined):,} rows set aside"] if found.quarantined else []),
        artefacts=artefacts,
        next_command=_next_command(kinds, out),
    )


def _next_command(kinds: dict[str, int], out: Path) -> str:
    stages = {"demonstration": "sft", "ranking": "reward", "comparison": "reward", "document": "pretrain"}
    stage = stages.get(next(iter(kinds)))
    return (
        f"tunesmith train {stage} --model desk --data {out} --out runs/{stage}"
        if stage
        else f"tunesmith data show {out}"
    )


def show(
    console: Console,
    files: Files,
    reading: Reading,
    n: Annotated[int, typer.Option("-n", help="How many records to show.", min=0)] = 3,
    mask: Annotated[bool, typer.Option("--mask", help="Show which tokens are learned, in colour.")] = False,
    model: Annotated[str, typer.Option(help="For --mask: a model folder, or `desk` for the shipped one.")] = "desk",
    max_length: Annotated[int, typer.Option(help="For --mask: tokens of prompt and completion.", min=2)] = 512,
) -> Outcome:
    """Describe the records in numbers and show the first ones.

    With --mask each row is shown as the model reads it: learned tokens green (or between ⟦ ⟧ where there is no colour).
    """
    from tunesmith.core.records import to_json
    from tunesmith.store import describe

    found = reading.read(console, files)
    if mask:
        return _masks(console, found, n, model, max_length)
    numbers = asdict(describe(found.records))
    lines = summary_lines(numbers)
    for record in found.records[:n]:
        lines += ["", *_preview(record)]
    summary = {
        **numbers,
        "formats": found.formats,
        "quarantined": len(found.quarantined),
        "first": [to_json(record) for record in found.records[:n]],
    }
    return Outcome(summary=summary, lines=lines)


def _masks(console: Console, found: RecordFiles, n: int, model: str, max_length: int) -> Outcome:
    from tunesmith.cli.mask_text import coloured
    from tunesmith.desk.weights import shipped_base
    from tunesmith.text.chat_template import open_template
    from tunesmith.text.mask_view import masked_rows

    template = open_template(shipped_base() if model == "desk" else Path(model))
    shown = masked_rows(found.records, template, n=n, max_length=max_length)
    in_colour = console.surroundings.stdout.isatty() and "NO_COLOR" not in console.surroundings.environment
    lines = [line for row in shown for line in ("", row.head, coloured(row, in_colour=in_colour))]
    return Outcome(summary={"rows": [row.to_json() for row in shown], "model": model}, lines=lines[1:])


def _preview(record: Record) -> list[str]:
    from tunesmith.core.records import Comparison, Document, Ranking

    if isinstance(record, Document):
        return [f"document   {_short(record.text)}"]
    lines = [f"{message.role:<10} {_short(message.content)}" for message in record.messages]
    if isinstance(record, Comparison):
        lines += [f"chosen     {_short(record.chosen)}", f"rejected   {_short(record.rejected)}"]
    if isinstance(record, Ranking):
        lines += [f"{'[' + completion.id + ']':<10} {_short(completion.text)}" for completion in record.completions]
        for label in record.rankings:
            order = " > ".join(" = ".join(group) for group in label.order)
            lines.append(f"{label.labeler or 'ranking':<10} {order}")
    return lines


def _short(text: str) -> str:
    line = text.replace("\n", "⏎")
    return line if len(line) <= PREVIEW_CHARACTERS else f"{line[:PREVIEW_CHARACTERS]}… ({len(text):,} characters)"


@dataclass(frozen=True, slots=True)
class SplitFlags:
    """How records are grouped and dealt out."""

    by: Annotated[
        list[str] | None,
        typer.Option(
            help="user, prompt, or any key of meta. Repeatable. Default: user, else prompt.", show_default=False
        ),
    ] = None
    clusters: Annotated[
        Path | None,
        typer.Option(help="JSON lines with file, line and cluster: near-duplicates stay together.", show_default=False),
    ] = None
    stratify: Annotated[
        str | None, typer.Option(help="A key of meta whose mix all parts are to share.", show_default=False)
    ] = None
    after: Annotated[
        Path | None, typer.Option(help="An earlier split: what it placed stays there.", show_default=False)
    ] = None


def split(
    console: Console,
    files: Files,
    reading: Reading,
    split_flags: SplitFlags,
    out: Annotated[Path, typer.Option(help="The directory that gets one snapshot per part.")],
    part: Annotated[list[str] | None, typer.Option(help="name=fraction. Repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="The seed of the hash.")] = 0,
) -> Outcome:
    """Split by user (or prompt), so that nobody is in two parts; without --part train=0.9 and test=0.1.

    The part depends on the key alone: records that are added later never move the ones that are there. With --stratify
    that takes --after, the earlier split.
    """
    from tunesmith.make.rows import read_rows
    from tunesmith.make.split import earlier_places, keys_of, read_clusters, strata_of
    from tunesmith.store import freeze
    from tunesmith.store.partition import partition

    fractions = _fractions(part or ["train=0.9", "test=0.1"])
    found = read_rows([str(file) for file in files], format=reading.format, kind=reading.kind, log=console.log)
    if found.quarantined and reading.on_bad_row == "stop":
        raise DataError(found.quarantined[0].reason, where=place(found.quarantined[0]).rpartition(":")[0])
    clusters = read_clusters(split_flags.clusters) if split_flags.clusters else None
    keys = keys_of(found.rows, by=split_flags.by or (), clusters=clusters)
    made = partition(
        [row.record for row in found.rows],
        keys,
        fractions=fractions,
        seed=seed,
        strata=strata_of(found.rows, split_flags.stratify) if split_flags.stratify else None,
        earlier=earlier_places(split_flags.after, fractions, by=split_flags.by or ()) if split_flags.after else None,
    )
    if made.moved:
        console.warn(f"{made.moved:,} groups were in several earlier parts, and are now in one")
    for name, records in made.parts.items():
        if not records:
            console.warn(f"part {name!r} got no record, so it has no snapshot")
            continue
        freeze(records, out / name, parents=found.parents)
    counts = {name: len(records) for name, records in made.parts.items()}
    return Outcome(
        summary={"parts": counts, "groups": made.groups, "moved": made.moved, "quarantined": len(found.quarantined)},
        lines=[f"{count:,} records in {name}" for name, count in counts.items()] + [f"{made.groups:,} groups"],
        artefacts={name: str(out / name) for name, records in made.parts.items() if records},
    )


def _fractions(parts: list[str]) -> dict[str, float]:
    fractions: dict[str, float] = {}
    for text in parts:
        name, equals, number = text.partition("=")
        try:
            fractions[name] = float(number)
        except ValueError:
            equals = ""
        if not equals or not name.isidentifier() or not 0 < fractions[name] <= 1:
            raise ConfigError("must be written name=fraction, such as train=0.9", where=f"--part {text}")
    if len(fractions) != len(parts) or abs(sum(fractions.values()) - 1) > 1e-6:
        raise ConfigError(
            "the fractions must have different names and add up to 1", where="--part", why=f"given {', '.join(parts)}"
        )
    return fractions


def export(
    console: Console,
    files: Files,
    reading: Reading,
    to: Annotated[str, typer.Option(help="The format to write.")],
    out: Annotated[Path, typer.Option(help="The file to make.")],
) -> Outcome:
    """Write records in another tool's format; whatever that format cannot hold is listed."""
    from tunesmith.formats import write

    if out.exists():
        raise ConfigError("exists already", where=str(out), remedy="name another file, or remove it first")
    found = reading.read(console, files)
    lost = write(found.records, out, format=to)
    return Outcome(
        summary={"records": len(found.records), "format": to, "lost": lost, "quarantined": len(found.quarantined)},
        lines=[f"lost: {what}" for what in lost] or ["nothing was lost"],
        artefacts={"file": str(out)},
    )
