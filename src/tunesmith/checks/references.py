"""Read the files that data must not leak from, into one index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tunesmith.checks.check import CheckedRow
from tunesmith.checks.leakage import LeakageConfig, Reference, ReferenceText, index, reference_texts
from tunesmith.checks.words import words_of
from tunesmith.core.errors import DataError
from tunesmith.formats.streaming import stream

SNAPSHOT_RECORDS = "records.jsonl"


def read_reference(paths: Sequence[Path], config: LeakageConfig) -> Reference:
    """Return the index of the texts of files or snapshots; rows are read one by one, their texts kept until it is made.

    Raises:
        ConfigError: no such file.
        DataError: a file is damaged, its format is in doubt, or it gives no text that can be looked for.
    """
    texts: list[ReferenceText] = []
    for path in paths:
        found = list(reference_texts(_rows(path), config))
        if not (words_of([text.text for text in found]).counts >= config.min_words).any():
            why = f"none of its {len(found):,} texts has {config.min_words} words (leakage.min_words)"
            raise DataError("gives no text to look for", where=f"--against {path}", why=why)
        texts += found
    reference = index(texts, config)
    if reference.skipped == len(reference.places):
        why = f"all runs of words stand in more than {config.common} of the texts (leakage.common)"
        raise DataError("give no text to look for", where="--against", why=why)
    return reference


def _rows(path: Path) -> Iterator[CheckedRow]:
    file = path / SNAPSHOT_RECORDS if path.is_dir() else path
    for row in stream(file):
        for record in row.records:
            yield CheckedRow(str(path), row.line, record)
