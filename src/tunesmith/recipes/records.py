"""Files, snapshots and the built-in desk become records, with everything that was not usable counted on screen."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tunesmith.core.errors import DataError
from tunesmith.core.records import Comparison, Demonstration, Prompt, Ranking, Record, kind_of, record_id
from tunesmith.desk import demonstrations, documents, prompts
from tunesmith.formats import read
from tunesmith.store import load

CHARACTERS_A_DOCUMENT = 500


def read_records(
    data: Sequence[str], kinds: Sequence[str], *, log: Callable[[str], None], desk_rows: int, seed: int
) -> list[Record]:
    """Return the records of `kinds` (names of `core.records.KINDS`) in these files, snapshots or `desk`.

    Where prompts are asked for, demonstrations, rankings and comparisons give theirs.

    Raises:
        DataError: nothing usable; says what kinds were found instead.
        ConfigError: a missing file.
    """
    found: list[Record] = []
    for name in data:
        found += _desk(kinds, desk_rows, seed) if name == "desk" else _file(Path(name), kinds, log)
    kept = [r for r in (_as_wanted(record, kinds) for record in found) if r is not None]
    if not kept:
        seen = Counter(kind_of(r) for r in found)
        why = ", ".join(f"{n} {kind}s" for kind, n in seen.items()) or "no records at all"
        raise DataError(f"no {' or '.join(kinds)} in the data", where=", ".join(data), why=f"found {why}")
    if len(kept) < len(found):
        others = Counter(kind_of(r) for r in found if _as_wanted(r, kinds) is None)
        log("not used by this stage: " + ", ".join(f"{n} {kind}s" for kind, n in others.items()))
    return kept


def _file(path: Path, kinds: Sequence[str], log: Callable[[str], None]) -> list[Record]:
    if path.is_dir():
        snapshot = load(path)
        log(f"{path}: snapshot {snapshot.sha256[:12]}, {len(snapshot.records)} records")
        return list(snapshot.records)
    kind = kinds[0] if len(kinds) == 1 else None
    imported = read(path, kind=kind if kind in ("document", "demonstration") else None)
    log(f"{path}: {imported.format}, {len(imported.records)} records, {len(imported.quarantined)} rows set aside")
    for note in imported.notes:
        log(f"{path}: {note}")
    for reason, n in Counter(q.reason for q in imported.quarantined).most_common(5):
        example = next(q for q in imported.quarantined if q.reason == reason)
        log(f"  {n} x {reason}, first at {example.file}:{example.line}:{example.field}")
    return imported.records


def _desk(kinds: Sequence[str], rows: int, seed: int) -> list[Record]:
    if "document" in kinds:
        return list(documents(rows * CHARACTERS_A_DOCUMENT, seed=seed))
    if "demonstration" in kinds:
        return list(demonstrations(rows, seed=seed, split="train"))
    if "prompt" in kinds:
        return list(prompts(rows, seed=seed, split="train"))
    raise DataError(
        f"the desk has no {' or '.join(kinds)} of its own",
        where="data",
        remedy="make some with `tunesmith label simulate`, or run `tunesmith quickstart`",
    )


def _as_wanted(record: Record, kinds: Sequence[str]) -> Record | None:
    if kind_of(record) in kinds:
        return record
    if "prompt" not in kinds:
        return None
    if isinstance(record, Demonstration) and record.prompt:
        return Prompt(messages=record.prompt, meta=record.meta)
    if isinstance(record, Ranking | Comparison):
        return Prompt(messages=record.messages, meta=record.meta)
    return None


def snapshot_hash(records: Sequence[Record]) -> str:
    """Return a hash of the records' contents, whatever their order."""
    digest = hashlib.sha256()
    for identity in sorted(record_id(r) for r in records):
        digest.update(identity.encode())
    return digest.hexdigest()
