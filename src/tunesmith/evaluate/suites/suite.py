"""What every suite module offers, and how its file is found, read and drawn from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.evaluate.scorer import Scorer
from tunesmith.evaluate.task import Task
from tunesmith.formats.container import open_rows
from tunesmith.formats.rows import BadRow

Row = Mapping[str, Any]
Condition = Literal["none", "respectful", "biased"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOptions:
    """What a user may choose. `limit` 0 takes every item; `toxicity` scores completions where a suite asks for it.

    `condition` is InstructGPT's prompt condition; `shots` rows of `shots_file` are shown before each question.
    """

    limit: int = 0
    seed: int = 0
    condition: Condition = "none"
    completions: int = 25
    shots: int = 0
    shots_file: Path | None = None
    scorers: Sequence[Scorer] = ()
    toxicity: Callable[[str], float | None] | None = None
    toxicity_name: str = ""


class Suite(NamedTuple):
    """A suite: the names its file goes by, how a first row is recognised, and how the file becomes a task."""

    name: str
    files: tuple[str, ...]
    sniff: Callable[[Row], bool]
    load: Callable[[Path, SuiteOptions], Task]
    about: str


class Rows(NamedTuple):
    """The rows of a file, the SHA-256 of its bytes, and why some rows could not be read."""

    rows: list[Row]
    sha256: str
    left_out: dict[str, int]


def read_rows(path: Path) -> Rows:
    """Return a file's rows: CSV (names in lower case), TSV, JSON lines, a JSON array, or SQuAD's nested object."""
    rows: list[Row] = []
    bad: Counter[str] = Counter()
    with open_rows(path) as container:
        for row in container.rows:
            if isinstance(row, BadRow):
                bad[f"unreadable row: {row.reason}"] += 1
            else:
                rows.append(row.value)
    return Rows(rows, file_hash(path), dict(bad))


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def find_file(suite: Suite, place: Path) -> Path:
    """Return the suite's file: `place` itself, or the one file under that folder with a known name and fitting rows.

    Raises:
        ConfigError: there is no such place.
        DataError: none or several files fit.
    """
    if place.is_file():
        return place
    if not place.is_dir():
        raise ConfigError("no such file or folder", where=str(place), remedy=f"give the file of {suite.name}")
    named = sorted({path for name in suite.files for path in place.rglob(name)})
    fitting = [path for path in named if _fits(suite, path)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(map(str, fitting))
        raise DataError(f"several files fit {suite.name}", where=str(place), why=names, remedy="name one with --data")
    raise DataError(
        f"no file of {suite.name}",
        where=str(place),
        why=f"looked for {', '.join(suite.files)}",
        remedy="give --data FILE",
    )


def _fits(suite: Suite, path: Path) -> bool:
    with open_rows(path) as container:
        first = next((row for row in container.rows if not isinstance(row, BadRow)), None)
    return first is not None and suite.sniff(first.value)


def drawn(task: Task, options: SuiteOptions) -> Task:
    """Return the task with `limit` of its items, drawn by a hash of seed and key: the same ones on every machine.

    With fewer items a remark says so, before the task's other notes.
    """
    items = task.items
    if not options.limit or options.limit >= len(items):
        return task
    ranked = sorted(items, key=lambda item: hashlib.sha256(f"{options.seed}\0{item.key}".encode()).digest())
    chosen = {item.key for item in ranked[: options.limit]}
    kept = tuple(item for item in items if item.key in chosen)
    remark = (f"{len(kept):,} of {len(items):,} items, drawn by seed",) if len(kept) < len(items) else ()
    return replace(task, items=kept, notes=(*remark, *task.notes))


def field(row: Row, name: str, where: str) -> str:
    """Return a row's text.

    Raises:
        DataError: the row lacks it.
    """
    value = row.get(name)
    if not isinstance(value, str):
        raise DataError(f"no text {name!r}", where=where, why=f"the row has {', '.join(sorted(row))[:200]}")
    return value
