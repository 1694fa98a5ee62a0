"""What the data workshop's recipes share: what they read, where they write, and lists of JSON lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Record
from tunesmith.core.run_context import RunContext
from tunesmith.formats.atomic import replacing
from tunesmith.make.rows import Rows, read_rows
from tunesmith.store import Snapshot, freeze


class WorkshopConfig(Strict):
    """What every verb that makes data needs."""

    data: tuple[str, ...] = Field((), description="files or snapshot folders")
    format: str | None = Field(None, description="the files' format; found out without it")
    kind: str | None = Field(None, description="read the rows as this kind of record")
    out: str = Field("", description="the snapshot folder to make; required unless it is a dry run")
    seed: int = Field(0, description="the seed of everything random")


def rows_of(config: WorkshopConfig, context: RunContext) -> Rows:
    """Read the files of a configuration, and check that there is a place for the result.

    Raises:
        ConfigError: no files or no folder were named, or a file does not exist.
        DataError: a file holds nothing that can be read.
    """
    if not config.data:
        raise ConfigError("no files", where="data", remedy="name files or snapshot folders")
    require_out(config, context)
    rows = read_rows(config.data, format=config.format, kind=config.kind, log=context.log)
    if rows.quarantined:
        reasons = Counter(f"{bad.field} {bad.reason}".strip() for bad in rows.quarantined).most_common(3)
        context.log(f"{len(rows.quarantined):,} rows set aside; " + "; ".join(f"{n:,} x {why}" for why, n in reasons))
    return rows


def require_out(config: WorkshopConfig, context: RunContext) -> None:
    """Raise ConfigError when there is work to write and no folder for it."""
    if not config.out and not context.dry_run:
        raise ConfigError("no folder for the result", where="out", remedy="give --out DIR")


def freeze_result(records: Sequence[Record], config: WorkshopConfig, parents: Sequence[str]) -> Snapshot:
    """Write the snapshot that the recipe made."""
    return freeze(records, Path(config.out), parents=parents)


def write_lines(path: Path, objects: Iterable[Mapping[str, Any]]) -> int:
    """Write one JSON object a line and return how many; the file appears complete or not at all."""
    count = 0
    with replacing(path) as file:
        for item in objects:
            file.write(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS, default=str))
            count += 1
    return count


def shortened(text: str, limit: int = 160, *, start: int = 0) -> str:
    """Return a text on one line from character `start`, at most `limit` characters of it and then how long it is."""
    line = ("…" if start else "") + text[start:].replace("\n", "⏎")
    return line if len(line) <= limit else f"{line[:limit]}… ({len(text):,} characters)"


def first_difference(before: str, after: str) -> int:
    """Return where two texts begin to differ, in characters."""
    same = (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
    return next(same, min(len(before), len(after)))
