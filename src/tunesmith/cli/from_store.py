"""`train ... --from-store`: what people said, in the labelling desk and in chats, as a snapshot to train on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunesmith.cli.console import Console
from tunesmith.core.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tunesmith.core.records import Record

# stage -> what it learns from
PRODUCTS = {"sft": "demonstrations", "reward": "rankings", "dpo": "rankings"}


@dataclass(frozen=True, slots=True)
class Stored:
    """The labels of a database as training data."""

    from_store: Annotated[
        str | None,
        typer.Option(
            help="Train on the labels in this database: the desk's, and of chats what people consented to. "
            "Alone: tunesmith.db.",
            show_default=False,
        ),
    ] = None
    regenerations: Annotated[
        bool, typer.Option("--regenerations", help="With --from-store: kept regenerations count as rankings too.")
    ] = False


@contextmanager
def stored_labels(
    console: Console, stage: str, stored: Stored, *, out: Path | None, dry_run: bool
) -> Iterator[list[str]]:
    """Yield the snapshots to read besides `--data`: one beside the run, named by its content; none without the option.

    A run that is resumed reads the snapshot that it began with, whatever was said since.

    Raises:
        ConfigError: there is no such database, or no `--out`.
        DataError: nobody has said anything that this stage learns from.
    """
    if stored.from_store is None:
        yield []
        return
    if out is None:
        raise ConfigError("is missing", where="--out", why="the snapshot of the labels lies beside the run")
    if (out / "config.yaml").is_file():
        yield _begun_with(out)
        return
    records = _records(console, PRODUCTS[stage], stored)
    if dry_run:
        with tempfile.TemporaryDirectory() as folder:
            yield [_frozen(records, Path(folder))]
    else:
        yield [_frozen(records, out.parent / "from_store")]


def _begun_with(out: Path) -> list[str]:
    from tunesmith.core.yaml_strict import read_yaml

    file = out / "config.yaml"
    data: list[str] = read_yaml(file.read_text(encoding="utf-8"), where=str(file)).values["data"]
    return [name for name in data if Path(name).parent.name == "from_store"]


def _frozen(records: list[Record], folder: Path) -> str:
    from tunesmith.recipes.records import snapshot_hash
    from tunesmith.store import freeze

    return str(freeze(records, folder / snapshot_hash(records)[:16]).directory)


def _records(console: Console, product: str, stored: Stored) -> list[Record]:
    from tunesmith.cli.label_desk import opened
    from tunesmith.core.errors import DataError

    assert stored.from_store is not None
    with opened(stored.from_store, must_exist=True) as database, database.read() as connection:
        desk = _desk_records(connection, product)
        chat = chat_records(console, connection, product, regenerations=stored.regenerations)
    console.log(f"{stored.from_store}: {len(desk):,} {product} of the labelling desk, {len(chat):,} of chats")
    if not desk and not chat:
        raise DataError(f"there are no {product} yet", where=stored.from_store)
    return [*desk, *chat]


def _desk_records(connection: Connection, product: str) -> list[Any]:
    from tunesmith.label import exporting
    from tunesmith.store.annotation.tasks import list_annotation_tasks

    kinds = ("write", "edit") if product == "demonstrations" else ("rank", "pair")
    made: list[Any] = []
    for task in list_annotation_tasks(connection):
        if task.kind in kinds:
            labeled = exporting.labeled_items(connection, task)
            make = exporting.demonstrations_of if product == "demonstrations" else exporting.rankings_of
            made += make(labeled)
    return made


def chat_records(console: Console, connection: Connection, product: str, *, regenerations: bool) -> list[Any]:
    """Return what the feedback of consented conversations makes; what it does not is said, by reason."""
    from tunesmith.store.conversation import harvest

    made: harvest.Harvest[Any]
    if product == "rankings":
        made = harvest.rankings(connection, regenerations=regenerations)
    else:
        made = harvest.demonstrations(connection) if product == "demonstrations" else harvest.verdicts(connection)
    for reason, n in made.left_out.items():
        console.warn(f"left out: {n:,} x {reason}")
    if silent := harvest.without_consent(connection):
        console.warn(f"left out: {silent:,} conversations with feedback whose owner did not consent")
    return made.records
