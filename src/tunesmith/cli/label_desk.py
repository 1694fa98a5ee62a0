"""`tunesmith label serve | add | export | import`: the desk where people label, over a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.data import Files, Reading
from tunesmith.cli.summary_text import summary_lines
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError

if TYPE_CHECKING:
    from tunesmith.desk import Labeler
    from tunesmith.store.annotation.tasks import AnnotationTask, TaskKind
    from tunesmith.store.database import Database

KINDS = ("rank", "pair", "write", "edit")
PRODUCTS = ("rankings", "comparisons", "demonstrations")
CHAT_PRODUCTS = ("rankings", "demonstrations", "verdicts")


@dataclass(frozen=True, slots=True)
class DeskOptions:
    """Where the labels are kept."""

    db: Annotated[str, typer.Option(help="The database: a file, sqlite:///FILE or postgresql://...")] = "tunesmith.db"


@dataclass(frozen=True, slots=True)
class DeskTask(DeskOptions):
    """An annotation task of the desk."""

    task: Annotated[str | None, typer.Option(help="The annotation task's name.", show_default=False)] = None


@dataclass(frozen=True, slots=True)
class Crew:
    """The simulated labelers."""

    heldout: Annotated[bool, typer.Option("--heldout", help="The labelers kept for measuring, not for training.")] = (
        False
    )
    labelers: Annotated[int, typer.Option(help="How many labelers rank each prompt.", min=1)] = 1
    seed: Annotated[int, typer.Option(help="The seed of the labelers' noise.")] = 0

    def people(self) -> list[Labeler]:
        """Return the labelers to choose from.

        Raises:
            ConfigError: there are fewer than asked for.
        """
        from tunesmith.desk import labelers

        crew = labelers(heldout=self.heldout)
        if self.labelers > len(crew):
            raise ConfigError(f"the desk has {len(crew)} such labelers", where=f"--labelers {self.labelers}")
        return crew


@dataclass(frozen=True, slots=True)
class NewTask(DeskTask):
    """An annotation task that is made when it is not there yet."""

    work: Annotated[str, typer.Option(help="What is asked: rank, pair, write or edit.")] = "rank"
    overlap: Annotated[int, typer.Option(help="How many labelers answer each item.", min=1, max=50)] = 1
    seed: Annotated[int, typer.Option(help="The seed of the order in which each labeler sees completions.")] = 0


@dataclass(frozen=True, slots=True)
class Chats:
    """The feedback of chats instead of the desk's labels."""

    from_chat: Annotated[
        bool,
        typer.Option(
            "--from-chat", help="What people said in chats (with consent): rankings, demonstrations, verdicts."
        ),
    ] = False
    regenerations: Annotated[
        bool, typer.Option("--regenerations", help="With --from-chat: kept regenerations count as rankings too.")
    ] = False


@dataclass(frozen=True, slots=True)
class ItemOptions:
    """What holds for all items of the files."""

    priority: Annotated[int, typer.Option(help="Items with a higher number come first.")] = 0
    skill: Annotated[
        str | None, typer.Option(help="Only labelers with this skill get the items.", show_default=False)
    ] = None
    gold: Annotated[
        bool, typer.Option("--gold", help="The records hold the right answer: mix them in as hidden tests.")
    ] = False
    calibration: Annotated[
        bool,
        typer.Option(
            "--calibration",
            help="The records hold the right answer: a round that every labeler answers first, and then compares.",
        ),
    ] = False

    screening: Annotated[
        bool,
        typer.Option(
            "--screening",
            help="Tests for candidates: texts with `sensitive` in their meta, rankings with the answer, prompts.",
        ),
    ] = False

    def check(self) -> None:
        """Refuse what does not go together.

        Raises:
            ConfigError: a round is asked for with what only the ordinary queue has.
        """
        asked = "--screening" if self.screening else "--calibration"
        others = self.gold or self.skill or self.priority or (self.screening and self.calibration)
        if (self.screening or self.calibration) and others:
            raise ConfigError("everybody answers all its items", where=asked, remedy=f"give {asked} alone")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verb(app, "serve")(serve)
    verb(app, "add")(add)
    verb(app, "export")(export)
    verb(app, "import")(import_)


def serve(
    console: Console,
    desk: DeskOptions,
    host: Annotated[str, typer.Option(help="The address to listen on; any but loopback needs users first.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8765,
    public_url: Annotated[
        str | None,
        typer.Option(help="The https:// address at which a proxy in front offers the desk.", show_default=False),
    ] = None,
) -> Outcome:
    """Run the labelling desk for the browser, until Ctrl-C."""
    from tunesmith.label import serving
    from tunesmith.web.hosts import address_of

    with opened(desk.db) as database:
        ready = serving.prepare(database, host=host, public_url=public_url)
        address = public_url or address_of(host, port)
        invite = serving.first_invite(ready)
        if invite is not None:
            console.warn(f"first start: become the admin at {address}{invite} (works once, for seven days)")
        console.warn(f"labelling desk: {address} · labels in {desk.db} · Ctrl-C ends it")
        serving.serve(ready, host=host, port=port, log=console.log)
    return Outcome(
        summary={"address": address}, next_command="tunesmith label export --to rankings --out rankings.jsonl"
    )


def add(
    console: Console,
    reading: Reading,
    new: NewTask,
    options: ItemOptions,
    files: Annotated[list[Path] | None, typer.Argument(help="Files or snapshot directories.")] = None,
    from_run: Annotated[
        Path | None, typer.Option(help="A quickstart run: the answers that its model gave.", show_default=False)
    ] = None,
) -> Outcome:
    """Give labelers work: prompts to answer, drafts to edit, completions to rank or compare."""
    import time

    from tunesmith.cli import label_rounds
    from tunesmith.label.adding import add_records
    from tunesmith.store.annotation.audit import record_action

    paths = [*(files or ()), *([_rankings_of(from_run)] if from_run else [])]
    if not paths:
        raise ConfigError("name a file, or a run with --from-run", where="label add")
    options.check()
    records = reading.read(console, paths).records
    if options.screening:
        return label_rounds.screen(console, new, records)
    if options.calibration:
        return label_rounds.calibrate(console, new, records)
    with opened(new.db) as database, database.write() as connection:
        task = task_of(connection, new, now=time.time())
        added = add_records(
            connection, task, records, priority=options.priority, skill=options.skill, gold=options.gold
        )
        if not added.new + added.known:
            raise _nothing_fits(task, added.refused)
        summary = {"task": task.name, "kind": task.kind, "new": added.new, "known": added.known}
        record_action(connection, "items added", summary, user_id=None, now=time.time())
    warn_refused(console, added.refused)
    if added.leaks:
        console.warn(f"{added.leaks:,} items hold a completion that says which assistant wrote it: not blind")
    summary |= {"refused": dict(added.refused), "leaks": added.leaks}
    return Outcome(summary=summary, lines=summary_lines(summary), next_command=again("serve", new.db))


def export(
    console: Console,
    desk: DeskTask,
    chats: Chats,
    to: Annotated[str, typer.Option(help="rankings, comparisons or demonstrations; of chats also verdicts.")],
    out: Annotated[Path, typer.Option(help="The JSONL file to make.")],
    without: Annotated[
        list[str] | None, typer.Option(help="Leave this labeler's labels out. Repeatable.", show_default=False)
    ] = None,
) -> Outcome:
    """Write the labels as records to train on; pairs that a labeler called equal are named, never dropped silently."""
    from tunesmith.label import exporting

    products = CHAT_PRODUCTS if chats.from_chat else PRODUCTS
    if to not in products:
        raise ConfigError(f"unknown product {to!r}", where="--to", remedy=f"use one of {', '.join(products)}")
    ties_out = out.with_suffix(".ties.jsonl") if to == "comparisons" else None
    for path in filter(None, (out, ties_out)):
        if path.exists():
            raise ConfigError("exists already", where=str(path), remedy="name another file, or remove it first")
    if chats.from_chat:
        return _export_chats(console, desk, chats, to, out)
    with opened(desk.db, must_exist=True) as database, database.read() as connection:
        task = only_task(connection, desk.task, ("write", "edit") if to == "demonstrations" else ("rank", "pair"))
        labeled = exporting.labeled_items(connection, task, without=frozenset(without or ()))
        written = _write(to, labeled, out, ties_out)
    summary = {"task": task.name, "records": written.records, "ties": written.ties}
    artefacts = {"file": str(out)} | ({"ties": str(ties_out)} if ties_out and written.ties else {})
    return Outcome(summary=summary, lines=summary_lines(summary), artefacts=artefacts, next_command=_train_on(to, out))


def _export_chats(console: Console, desk: DeskTask, chats: Chats, to: str, out: Path) -> Outcome:
    from tunesmith.cli.from_store import chat_records
    from tunesmith.core.errors import DataError
    from tunesmith.formats.atomic import replacing
    from tunesmith.label.exporting import write_rows

    with opened(desk.db, must_exist=True) as database, database.read() as connection:
        found = chat_records(console, connection, to, regenerations=chats.regenerations)
    if not found:
        raise DataError(f"nobody's feedback makes {to} yet", where=desk.db)
    with replacing(out) as file:
        write_rows(found, file)
    summary = {"records": len(found)}
    return Outcome(
        summary=summary, lines=summary_lines(summary), artefacts={"file": str(out)}, next_command=_train_on(to, out)
    )


def _train_on(product: str, out: Path) -> str:
    stage = "reward --model runs/sft/model" if product in ("rankings", "comparisons") else "sft --model desk"
    return f"tunesmith train {stage} --data {out} --out runs/{stage.split()[0]}"


def import_(console: Console, files: Files, reading: Reading, new: NewTask) -> Outcome:
    """Take labels that were made elsewhere into the desk: ranking records, or demonstrations for a write task."""
    import time

    from tunesmith.label.importing import import_labels
    from tunesmith.store.annotation.audit import record_action

    records = reading.read(console, files).records
    with opened(new.db) as database, database.write() as connection:
        task = task_of(connection, new, now=time.time())
        found = import_labels(connection, task, records, now=time.time())
        if not found.new + found.known:
            raise _nothing_fits(task, found.refused)
        summary: dict[str, Any] = {"task": task.name, "new": found.new, "known": found.known}
        record_action(connection, "labels imported", summary, user_id=None, now=time.time())
    warn_refused(console, found.refused)
    summary["refused"] = dict(found.refused)
    return Outcome(summary=summary, lines=summary_lines(summary), next_command=again("serve", new.db))


def rehearse_task(console: Console, desk: DeskTask, crew: Crew) -> Outcome:
    """Let simulated labelers work on the desk's queue; the rest of `label simulate` is in `label.py`."""
    import time

    from tunesmith.label.rehearsal import rehearse

    people = crew.people()[: crew.labelers]
    with opened(desk.db, must_exist=True) as database:
        with database.read() as connection:
            task = only_task(connection, desk.task, ("rank", "pair"))
        made = rehearse(database, task, people, seed=crew.seed, now=time.time())
    summary = {"task": task.name, "labels": made}
    return Outcome(summary=summary, lines=summary_lines(summary), next_command=again("serve", desk.db))


@contextmanager
def opened(url: str, *, must_exist: bool = False) -> Iterator[Database]:
    """Open the database of `--db` for a block.

    Raises:
        ConfigError: there is no such file, where there must be one.
    """
    from tunesmith.store.database import database_url, open_database

    parsed = database_url(url)
    if must_exist and parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        raise ConfigError("there is no such database", where=url, remedy="name it with --db, or use `label add` first")
    database = open_database(url)
    try:
        yield database
    finally:
        database.close()


def task_of(connection: Any, new: NewTask, *, now: float) -> AnnotationTask:
    """Return the annotation task that `--task` names, made where there is none.

    Raises:
        ConfigError: it asks for something else than the options say.
    """
    from tunesmith.store.annotation.tasks import add_annotation_task, find_annotation_task

    if new.work not in KINDS:
        raise ConfigError(f"unknown work {new.work!r}", where="--work", remedy=f"use one of {', '.join(KINDS)}")
    kind: TaskKind = new.work  # type: ignore[assignment]
    name = new.task or new.work
    found = find_annotation_task(connection, name)
    if found is None:
        return add_annotation_task(connection, name, kind=kind, overlap=new.overlap, seed=new.seed, now=now)
    if found.kind != kind:
        raise ConfigError(f"the task {name!r} is a {found.kind} task", where=f"--work {kind}")
    if found.overlap != new.overlap:
        raise ConfigError(
            f"the task {name!r} asks {found.overlap} labelers per item",
            where=f"--overlap {new.overlap}",
            remedy="leave it as it is here, and change it on the task's page",
        )
    return found


def only_task(connection: Any, name: str | None, kinds: tuple[str, ...]) -> AnnotationTask:
    """Return the annotation task that `--task` names; without it the only one of these kinds.

    Raises:
        ConfigError: there is none, or there are several.
    """
    from tunesmith.store.annotation.tasks import list_annotation_tasks

    known = [task for task in list_annotation_tasks(connection) if task.kind in kinds]
    fitting = [task for task in known if name is None or task.name == name]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(task.name for task in known) or "none"
    what = "name one annotation task" if name is None else f"there is no such annotation task {name!r}"
    raise ConfigError(what, where="--task", why=f"of the right kind there are: {names}")


def _write(to: str, labeled: Any, out: Path, ties_out: Path | None) -> Any:
    from tunesmith.core.errors import DataError
    from tunesmith.formats.atomic import replacing
    from tunesmith.label import exporting

    with replacing(out) as file, replacing(ties_out) if ties_out else nullcontext() as ties:
        if to == "rankings":
            written = exporting.write_rankings(labeled, file)
        elif to == "demonstrations":
            written = exporting.write_demonstrations(labeled, file)
        else:
            assert ties is not None
            written = exporting.write_comparisons(labeled, file, ties)
        if not written.records + written.ties:
            raise DataError("there are no labels yet", where=str(out))
    if ties_out and not written.ties:
        ties_out.unlink()
    return written


def _rankings_of(run: Path) -> Path:
    found = run / "data" / "rankings"
    if not found.is_dir():
        raise ConfigError(
            "is no run with answers to rank", where=str(run), remedy="name the folder that quickstart made"
        )
    return found


def _nothing_fits(task: AnnotationTask, refused: Any) -> Exception:
    from tunesmith.core.errors import DataError

    why = "; ".join(f"{n:,} x {reason}" for reason, n in refused.items()) or "the files hold no records"
    return DataError(f"nothing for the {task.kind} task {task.name!r}", why=why)


def warn_refused(console: Console, refused: Any) -> None:
    """Say what was left out, and why."""
    for reason, n in refused.items():
        console.warn(f"left out: {n:,} x {reason}")


def again(name: str, db: str) -> str:
    """Return a command of the desk on the same database."""
    return f"tunesmith label {name}" + ("" if db == "tunesmith.db" else f" --db {db}")
