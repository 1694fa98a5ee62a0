"""What a split goes by: keys that tie records together, clusters that a check found, parts of an earlier split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from tunesmith.checks.check import CheckedRow
from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import Record
from tunesmith.formats.paths import existing_file
from tunesmith.make.clean.findings import place_of
from tunesmith.store import load
from tunesmith.store.splits import prompt_key, split_keys

Clusters = Mapping[tuple[str, int], str]


def read_clusters(path: Path) -> dict[tuple[str, int], str]:
    """Return the cluster of each (`place_of(file)`, line) from JSON lines with `file`, `line` and `cluster`.

    Lines without a cluster may stand among them. An empty file, as a check writes it that found no cluster, has none.

    Raises:
        ConfigError: there is no such file.
        DataError: a line is damaged, or there are lines and none has a cluster.
    """
    clusters: dict[tuple[str, int], str] = {}
    lines = existing_file(path).read_bytes().splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            body = orjson.loads(line)
            cluster = body.get("cluster")
            if cluster is not None:
                clusters[place_of(body["file"]), int(body["line"])] = str(cluster)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                "is no line with file, line and cluster", where=f"{path}:{number}", why=str(error)
            ) from error
    if lines and not clusters:
        raise DataError("names no cluster", where=str(path), remedy="each line needs file, line and cluster")
    return clusters


def keys_of(rows: Sequence[CheckedRow], *, by: Sequence[str], clusters: Clusters | None = None) -> list[list[str]]:
    """Return each row's keys; rows that share one stay together.

    Without `by` they are those of `split_keys`: the user, else the family, else the prompt. `by` names `user`, `prompt`
    or keys of meta; a record that was made from others always keeps their keys too.

    Raises:
        ConfigError: no record has one of the keys.
    """
    keys = [own_keys(row.record, by) for row in rows]
    for name in by:
        if name != "prompt" and not any(row.record.meta.get(name) not in (None, "") for row in rows):
            raise ConfigError(f"no record has meta.{name}", where="--by")
    if clusters:
        places = {file: place_of(file) for file in {row.file for row in rows}}
        for row, own in zip(rows, keys, strict=True):
            cluster = clusters.get((places[row.file], row.line))
            own += [f"cluster:{cluster}"] if cluster is not None else []
    return keys


def own_keys(record: Record, by: Sequence[str]) -> list[str]:
    """Return the keys of one record; one that has none of `by` goes by its prompt."""
    if not by:
        return list(split_keys(record))
    found = [prompt_key(record)] if "prompt" in by else []
    for name in by:
        value = record.meta.get(name)
        if name != "prompt" and value not in (None, ""):
            found.append(f"{name}:{value}")
    made = split_keys(record) if "split_keys" in record.meta else ()
    return [*found, *made] or [prompt_key(record)]


def strata_of(rows: Sequence[CheckedRow], key: str) -> list[str]:
    """Return each record's `meta[key]` as text; those without it are a stratum of their own.

    Raises:
        ConfigError: no record has the key.
    """
    values = [row.record.meta.get(key) for row in rows]
    if all(value is None for value in values):
        raise ConfigError(f"no record has meta.{key}", where="--stratify")
    return ["" if value is None else str(value) for value in values]


def earlier_places(folder: Path, parts: Mapping[str, float], *, by: Sequence[str]) -> dict[str, str]:
    """Return the part of every key in an earlier split's snapshots.

    Raises:
        ConfigError: the folder holds none of the parts.
        DataError: a snapshot was changed.
    """
    places: dict[str, str] = {}
    found = [name for name in parts if (folder / name / "manifest.json").is_file()]
    if not found:
        raise ConfigError("holds none of the parts", where=f"--after {folder}", remedy=f"parts: {', '.join(parts)}")
    for name in found:
        for record in load(folder / name).records:
            places |= dict.fromkeys(own_keys(record, by), name)
    return places
