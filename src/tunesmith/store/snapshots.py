"""Frozen data sets: `records.jsonl` in canonical order and a manifest with its hash.

The order is that of the records' content hashes, so the same records give the same bytes whatever order they came in,
and the snapshot's name in provenance is simply the SHA-256 of that file.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from tunesmith import __version__
from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.reading_records import from_json
from tunesmith.core.records import Record, kind_of, record_id, to_json
from tunesmith.formats.atomic import replacing

RECORDS, MANIFEST = "records.jsonl", "manifest.json"
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a snapshot says of itself. `parents` names what it was made from: hashes of files or snapshots."""

    sha256: str
    counts: Mapping[str, int]
    created_by: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A frozen data set that was verified."""

    directory: Path
    records: tuple[Record, ...]
    manifest: Manifest

    @property
    def sha256(self) -> str:
        """The hash of the records file: the snapshot's name in provenance."""
        return self.manifest.sha256


def freeze(records: Sequence[Record], directory: Path, *, parents: Sequence[str] = ()) -> Snapshot:
    """Write the records as a snapshot and return it. The same records again change nothing.

    The manifest is written last: a folder without one holds no snapshot, however a crash left it. Equal records are
    all kept.

    Raises:
        DataError: there are no records, or the folder holds another snapshot.
        EnvironmentProblem: the disk is full or the folder cannot be written.
    """
    if not records:
        raise DataError("there are no records to freeze", where=str(directory))
    directory = Path(directory)
    ordered = tuple(sorted(records, key=record_id))
    digest = hashlib.sha256()
    for record in ordered:
        digest.update(_line(record))
    manifest = Manifest(
        sha256=digest.hexdigest(),
        counts=dict(sorted(Counter(kind_of(record) for record in ordered).items())),
        created_by=f"tunesmith {__version__}",
        parents=tuple(sorted(set(parents))),
    )
    if (directory / MANIFEST).exists():
        return _already_there(directory, ordered, manifest)
    with replacing(directory / RECORDS) as file:
        for record in ordered:
            file.write(_line(record))
    with replacing(directory / MANIFEST) as file:
        file.write(orjson.dumps(asdict(manifest), option=_OPTIONS | orjson.OPT_INDENT_2))
    return Snapshot(directory=directory, records=ordered, manifest=manifest)


def _line(record: Record) -> bytes:
    return orjson.dumps(to_json(record), option=_OPTIONS)


def _already_there(directory: Path, records: tuple[Record, ...], manifest: Manifest) -> Snapshot:
    """Return the snapshot that is there if it holds the same records; its own manifest stays."""
    found = _read_manifest(directory / MANIFEST)
    if found.sha256 != manifest.sha256:
        raise DataError(
            "holds another snapshot, and snapshots never change",
            where=str(directory),
            why=f"its records hash to {found.sha256[:12]}, these to {manifest.sha256[:12]}",
            remedy="freeze into a new folder",
        )
    _verify(directory, found)
    return Snapshot(directory=directory, records=records, manifest=found)


def load(path: Path) -> Snapshot:
    """Return the snapshot in a folder (or of its manifest) after verifying its hash.

    Raises:
        ConfigError: there is no such folder.
        DataError: the manifest is missing or damaged, or the records are not the ones that were frozen.
    """
    path = Path(path)
    directory = path.parent if path.name == MANIFEST else path
    if not directory.is_dir():
        raise ConfigError("there is no such folder", where=str(directory), remedy="name a snapshot's folder")
    manifest = _read_manifest(directory / MANIFEST)
    data = _verify(directory, manifest)
    records = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            records.append(from_json(orjson.loads(line)))
        except (orjson.JSONDecodeError, DataError) as error:
            where = f"{directory / RECORDS}:{number}"
            raise DataError("is not a record of this version", where=where, why=str(error)) from error
    counts = Counter(kind_of(record) for record in records)
    if counts != Counter(manifest.counts):
        raise DataError("the counts differ from the records", where=str(directory / MANIFEST))
    return Snapshot(directory=directory, records=tuple(records), manifest=manifest)


def _verify(directory: Path, manifest: Manifest) -> bytes:
    """Return the records file's bytes if they have the manifest's hash."""
    path = directory / RECORDS
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError("the snapshot's records cannot be read", where=str(path), why=str(error.strerror)) from error
    found = hashlib.sha256(data).hexdigest()
    if found != manifest.sha256:
        raise DataError(
            "was changed after it was frozen",
            where=str(path),
            why=f"its SHA-256 is {found[:12]}, the manifest says {manifest.sha256[:12]}",
            remedy="restore the file, or freeze its records into a new folder",
        )
    return data


def _read_manifest(path: Path) -> Manifest:
    try:
        body = orjson.loads(path.read_bytes())
        return _manifest(body)
    except FileNotFoundError as error:
        raise DataError(
            "there is no snapshot in this folder", where=str(path.parent), why="no manifest.json"
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError("the manifest cannot be read", where=str(path), why=str(error)) from error


def _manifest(body: Any) -> Manifest:
    """Return a manifest from JSON; the wrong shape raises TypeError, ValueError or KeyError."""
    if not isinstance(body, dict) or not isinstance(body["sha256"], str) or not isinstance(body["counts"], dict):
        raise ValueError("it does not have the fields of a manifest")
    return Manifest(
        sha256=body["sha256"],
        counts={str(kind): int(count) for kind, count in body["counts"].items()},
        created_by=str(body["created_by"]),
        parents=tuple(str(parent) for parent in body["parents"]),
    )
