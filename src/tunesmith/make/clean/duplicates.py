"""Tell exact duplicates: records of one kind whose texts are the same, whatever their meta says."""

from __future__ import annotations

from tunesmith.core.records import Record, record_id
from tunesmith.make.texts import without_meta


def duplicate_key(record: Record) -> str:
    """Return what two exact duplicates have in common: the content hash of the record without its meta."""
    return record_id(without_meta(record))
